/** One follower of the event log in each process: what it reads goes to this process's own sockets. */
import type { Redis } from "ioredis"
import type { Pool } from "../core/db.ts"
import type { LoggedEvent } from "../core/events/catalog.ts"
import { findLog } from "../core/events/queries.ts"
import { type Batch, follow } from "../core/events/stream.ts"
import type { Log } from "../core/log.ts"
import { sleep } from "../core/time.ts"
import { RecentEvents } from "./recent.ts"

/** How often the start is tried while Postgres is away. */
const START_RETRY_MS = 500

export type Listener = {
  /** Events with rooms, in order. Whatever a batch holds is told within one tick. */
  deliver(events: readonly LoggedEvent[]): void
  /** What this person may hear changed. */
  accessChanged(uid: string): void
  /** Events in (from, to] were missed; with `to` < `from` the log is another past than the one relayed so far. */
  gap(from: number, to: number): void
}

export type RelayOptions = {
  pool: Pool
  /** A connection of its own: it waits in XREAD. */
  redis: Redis
  log: Log
}

export class Relay {
  /** Every event up to here has been delivered to the sockets that were in its rooms; undefined before the first look at the log. */
  cursor: number | undefined
  /** Grows with every gap: whoever awaited something must look again at where they stand. */
  generation = 0
  readonly recent = new RecentEvents(0)
  #stop = new AbortController()
  #running: Promise<void> | undefined
  #waiting = new Set<{ offset: number; resolve: () => void }>()

  constructor(private readonly options: RelayOptions) {}

  /** Begins at the log's head, as soon as Postgres can tell where that is. Resolves when it has, or is closed. */
  async start(listener: Listener): Promise<void> {
    const head = await this.#findHead()
    if (head === undefined) return
    this.recent.restart(head)
    this.cursor = head
    this.#running = this.#run(head, listener)
  }

  /** Resolves when the cursor has come to `offset`: true, or false after `timeoutMs` or when the signal aborts. */
  async reached(offset: number, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.cursor !== undefined && this.cursor >= offset) return true
    const turn = Promise.withResolvers<void>()
    const waiter = { offset, resolve: turn.resolve }
    this.#waiting.add(waiter)
    const over = new AbortController()
    await Promise.race([turn.promise, sleep(timeoutMs, AbortSignal.any([signal, over.signal]))])
    over.abort()
    this.#waiting.delete(waiter)
    return this.cursor !== undefined && this.cursor >= offset
  }

  async close(): Promise<void> {
    this.#stop.abort()
    // A blocked XREAD would keep us for a second.
    this.options.redis.disconnect()
    await this.#running
  }

  async #run(after: number, listener: Listener): Promise<void> {
    for await (const batch of follow({ ...this.options, after, signal: this.#stop.signal })) this.#take(batch, listener)
  }

  async #findHead(): Promise<number | undefined> {
    let failing = false
    while (!this.#stop.signal.aborted) {
      try {
        return (await findLog(this.options.pool)).head
      } catch (error) {
        if (!failing) this.options.log.warn({ err: error }, "the event log cannot be read; starting as soon as it can")
        failing = true
        await sleep(START_RETRY_MS, this.#stop.signal)
      }
    }
    return undefined
  }

  #take(batch: Batch, listener: Listener): void {
    if (batch.kind === "gap") {
      this.options.log.warn({ from: batch.from, to: batch.to }, "events are missing from the log")
      this.generation++
      this.recent.restart(batch.to)
      this.cursor = batch.to
      listener.gap(batch.from, batch.to)
    } else {
      this.#relay(batch.events, listener)
    }
    for (const waiter of this.#waiting) if ((this.cursor ?? 0) >= waiter.offset) waiter.resolve()
  }

  /** As many at once as go to sockets one after the other: what somebody may hear changes between the event before and the one after. */
  #relay(events: readonly LoggedEvent[], listener: Listener): void {
    let told: LoggedEvent[] = []
    for (const event of events) {
      if (event.name === "access:changed") {
        this.#guarded(told, () => listener.deliver(told))
        told = []
      }
      this.recent.add(event)
      this.cursor = event.offset
      if (event.name === "access:changed") this.#guarded([event], () => listener.accessChanged(String(event.data.uid)))
      else if (event.rooms.length > 0) told.push(event)
    }
    this.#guarded(told, () => listener.deliver(told))
  }

  /** What cannot be delivered must not keep the rest from being. */
  #guarded(events: readonly LoggedEvent[], work: () => void): void {
    if (events.length === 0) return
    try {
      work()
    } catch (error) {
      this.options.log.error({ err: error, offset: events[0]?.offset }, "events could not be delivered")
    }
  }
}
