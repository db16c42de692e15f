import type { LoggedEvent } from "../core/events/catalog.ts"

/** What a second of a busy clinic chain makes, several times over; some hundred bytes each. */
const MAX_EVENTS = 4_096

/**
 * The newest events this process has relayed, without a hole: (start, end]. A socket that has caught up to within them
 * is given the rest and put into its rooms in one tick, however fast new events arrive: a table read alone would chase
 * the cursor for ever.
 */
export class RecentEvents {
  #events: LoggedEvent[] = []
  #end: number

  constructor(
    end: number,
    private readonly maxEvents = MAX_EVENTS,
  ) {
    this.#end = end
  }

  /** Adds the next event; its offset is the last one's successor. */
  add(event: LoggedEvent): void {
    this.#events.push(event)
    this.#end = event.offset
    // Dropping the older half now and then costs less than shifting at every event.
    if (this.#events.length >= 2 * this.maxEvents) this.#events = this.#events.slice(-this.maxEvents)
  }

  /** Forgets everything: what follows has nothing to do with what came before. */
  restart(end: number): void {
    this.#events = []
    this.#end = end
  }

  /** Whether every event after `position` is here. */
  covers(position: number): boolean {
    return position >= this.#end - this.#events.length && position <= this.#end
  }

  /** The first events after `position` that one of `rooms` may hear, at most `limit`. `position` must be covered. */
  after(position: number, rooms: ReadonlySet<string>, limit: number): LoggedEvent[] {
    const heard: LoggedEvent[] = []
    for (let i = this.#events.length - (this.#end - position); i < this.#events.length && heard.length < limit; i++) {
      const event = this.#events[i] as LoggedEvent
      if (event.rooms.some((r) => rooms.has(r))) heard.push(event)
    }
    return heard
  }
}
