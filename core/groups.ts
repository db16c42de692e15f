/**
 * Work of one process, committed in groups: what is asked for while a group is on its way makes the next one. A lone one waits for
 * nobody; under load many share one statement and one commit.
 */
import { Refusal } from "./errors.ts"

/**
 * Until then a group on its way is about to be done: what has come meanwhile waits for it, unless it makes a full group. Two small groups cost
 * a sixth more than one, and wait for each other's locks. One that takes longer is held up by something, and holds up nobody else.
 */
const SOON_DONE_MS = 10

export type GroupLimits = {
  /** Groups on their way at once. */
  groupsMax: number
  sizeMax: number
  /** Who comes when so many wait is refused with `tooMany`. */
  waitingMax: number
  tooMany: string
}

/** One that waits: what was asked, and how it is told. */
export type Waiting<Asked, Outcome> = { asked: Asked; resolve: (outcome: Outcome) => void; reject: (error: unknown) => void }

export class Groups<Asked, Outcome> {
  readonly #waiting: Waiting<Asked, Outcome>[] = []
  #groups = 0
  /** Of them, those that are about to be done. */
  #soonDone = 0

  /** `commit` tells each of its group, and never throws. */
  constructor(
    private readonly limits: GroupLimits,
    private readonly commit: (group: Waiting<Asked, Outcome>[]) => Promise<void>,
  ) {}

  /** With the next group. Resolves when it is committed. */
  add(asked: Asked): Promise<Outcome> {
    if (this.#waiting.length >= this.limits.waitingMax) throw new Refusal("unavailable", this.limits.tooMany, { retryAfterSeconds: 1 })
    return new Promise((resolve, reject) => {
      this.#waiting.push({ asked, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    const { groupsMax, sizeMax } = this.limits
    if (this.#groups >= groupsMax || this.#waiting.length === 0) return
    if (this.#soonDone > 0 && this.#waiting.length < sizeMax) return
    this.#groups++
    const done = this.#expectSoon()
    this.commit(this.#waiting.splice(0, sizeMax)).finally(() => {
      this.#groups--
      done()
      this.#next()
    })
  }

  /** Holds back small groups for a while, or until the answer is called. */
  #expectSoon(): () => void {
    let expected = true
    this.#soonDone++
    const forget = () => {
      clearTimeout(timer)
      if (expected) this.#soonDone--
      expected = false
    }
    const timer = setTimeout(() => {
      forget()
      this.#next()
    }, SOON_DONE_MS)
    return forget
  }
}
