/**
 * Searches that look at very many doctors, such as for a rare name in a whole country: one at a time and in slices, between which the process
 * serves everyone else. While one goes on, nothing of the index changes.
 */
import type { DoctorIndex, NearQuery } from "./doctor-index.ts"
import { Slices } from "./load-slices.ts"

type Slow = Pick<DoctorIndex, "searchSlowly">

/** More of them would wait for longer than for Postgres. */
const WAITING_MAX = 32

export class SlowSearches {
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  /** All that were ever asked for. */
  count = 0
  #running: Promise<void> | undefined

  /** Whether one more may be asked for. */
  get hasRoom(): boolean {
    return this.#waiting < WAITING_MAX
  }

  /** Whether one goes on, so that nothing may be changed. */
  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Of the index that serves when its turn comes; undefined if none does. */
  async search(indexNow: () => Slow | undefined, query: NearQuery): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.count++
    this.#waiting++
    const answer = this.#last.then(() => this.#run(indexNow, query))
    this.#last = answer.catch(() => {})
    try {
      return await answer
    } finally {
      this.#waiting--
    }
  }

  /** Returns when the index may be changed, until the caller next lets others go first. */
  async untilNone(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(indexNow: () => Slow | undefined, query: NearQuery): Promise<Uint8Array<ArrayBuffer> | undefined> {
    // Whoever waited to change the index goes first.
    const slices = new Slices()
    await slices.next()
    const ended = Promise.withResolvers<void>()
    this.#running = ended.promise
    try {
      const steps = indexNow()?.searchSlowly(query)
      for (;;) {
        const step = steps?.next()
        if (!step || step.done) return step?.value
        await slices.next()
      }
    } finally {
      this.#running = undefined
      ended.resolve()
    }
  }
}
