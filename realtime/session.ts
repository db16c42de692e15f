/**
 * One socket of one person. It is either live, in its rooms, hearing what the relay delivers; or behind, in no room,
 * with a position up to which it has been told everything. What a socket missed (before it came, while its rooms were
 * read again, while its token was expired) is caught up in one way: from the table in batches, then from memory, and in
 * the tick in which its position equals the relay's cursor it joins its rooms. So on one connection offsets only grow.
 */
import type { Socket } from "socket.io"
import { type Identity, isBarred, type Principal, roomsOf } from "../core/auth/principal.ts"
import { findPrincipal } from "../core/auth/queries.ts"
import type { Pool } from "../core/db.ts"
import type { LoggedEvent } from "../core/events/catalog.ts"
import { findLog, listRoomEvents } from "../core/events/queries.ts"
import type { Log } from "../core/log.ts"
import type { SocketObserver } from "../core/metrics/sockets.ts"
import { sleep } from "../core/time.ts"
import type { Outlet } from "./outlet.ts"
import { packetOf } from "./packet.ts"
import type { Relay } from "./relay.ts"
import type { Rooms } from "./rooms.ts"
import type { Turns } from "./turns.ts"

/** One batch of the largest events, under 10 KB each, stays below what may wait for a slow socket. */
const REPLAY_BATCH_EVENTS = 64
/** A client that has not taken in one batch by then is cut: longer than a polling client's pause, shorter than a ping's. */
const DRAIN_TIMEOUT_MS = 15_000
const DRAIN_LOOK_MIN_MS = 2
const DRAIN_LOOK_MAX_MS = 100
/** How far behind the table's head this process may be when a client knows more than it does. */
const FOLLOWER_TIMEOUT_MS = 5_000
/** What the contract grants a client to bring a new token. */
export const REFRESH_GRACE_MS = 30_000
/** The longest delay setTimeout takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

export type SessionTuning = { refreshGraceMs?: number; drainTimeoutMs?: number }
export type SessionParts = {
  pool: Pool
  relay: Relay
  rooms: Rooms<Outlet>
  log: Log
  replays: Turns
  observer?: SocketObserver
} & SessionTuning

export type Arrival = {
  identity: Identity
  principal: Principal
  /** Where the client stopped reading; undefined: it wants only what comes. */
  lastOffset: number | undefined
}

export class Session {
  #rooms: ReadonlySet<string>
  #position: number | undefined
  #live = false
  #expired = false
  /** The rooms must be read again before anything else is told. */
  #stale = false
  #catchingUp = false
  /** How much it has been told since it was behind; undefined: it misses nothing. */
  #replayed: number | undefined
  #timer: Timer | undefined
  #closed = new AbortController()

  constructor(
    private readonly socket: Socket,
    private readonly outlet: Outlet,
    arrival: Arrival,
    private readonly parts: SessionParts,
  ) {
    this.#rooms = new Set(roomsOf(arrival.principal))
    this.#position = arrival.lastOffset
    if (arrival.lastOffset !== undefined) this.#replayed = 0
    this.#awaitExpiry(arrival.identity)
  }

  /** `stale`: something changed while the principal was read, perhaps for this person. */
  begin(stale: boolean): void {
    this.#stale = stale
    void this.#catchUp()
  }

  /** Silent from this tick on; then told again, under the rooms as they are now. */
  accessChanged(): void {
    this.#fallBehind()
    this.#stale = true
    void this.#catchUp()
  }

  gap(from: number, to: number): void {
    const position = this.#live ? from : this.#position
    if (to >= from) {
      // Who is behind will find its own gap in the table.
      if (this.#live) this.#tellGap(from, to)
      return
    }
    if (position !== undefined) this.#tellGap(position, to)
    // The offsets begin anew below those it has seen, which they may not on one connection: it comes again on another.
    this.#fallBehind()
    this.close()
    this.socket.conn.close()
  }

  /** A new token of the same person, before the old one expires or within the grace after it. */
  renew(identity: Identity): void {
    if (this.#closed.signal.aborted) return
    const wasExpired = this.#expired
    this.#expired = false
    this.#awaitExpiry(identity)
    if (!wasExpired) return
    this.#stale = true
    void this.#catchUp()
  }

  close(): void {
    this.#closed.abort()
    clearTimeout(this.#timer)
    this.parts.rooms.leave(this.outlet)
  }

  get #silent(): boolean {
    return this.#expired || this.#closed.signal.aborted
  }

  /** Whether it may stay at all is found out at once, though it be told nothing. */
  get #mayStep(): boolean {
    return !this.#closed.signal.aborted && (this.#stale || !this.#expired)
  }

  /** Leaves the rooms. Everything up to the cursor has been told. */
  #fallBehind(): void {
    this.#position = this.#live ? this.parts.relay.cursor : (this.#position ?? this.parts.relay.cursor)
    this.#live = false
    this.#replayed ??= 0
    this.parts.rooms.leave(this.outlet)
  }

  #awaitExpiry(identity: Identity): void {
    clearTimeout(this.#timer)
    const leftMs = identity.expiresAt * 1000 - Date.now()
    this.#timer = setTimeout(
      () => (leftMs > MAX_TIMER_MS ? this.#awaitExpiry(identity) : this.#expire()),
      Math.min(Math.max(leftMs, 0), MAX_TIMER_MS),
    )
  }

  #expire(): void {
    this.#expired = true
    this.#fallBehind()
    this.socket.emit("auth:expired")
    this.#timer = setTimeout(() => this.socket.disconnect(true), this.parts.refreshGraceMs ?? REFRESH_GRACE_MS)
  }

  /** One loop at a time, however often it is asked for: what happens meanwhile is seen at its next step. */
  async #catchUp(): Promise<void> {
    if (this.#catchingUp) return
    this.#catchingUp = true
    try {
      while (!this.#live && this.#mayStep) await this.#step()
    } catch (error) {
      if (this.#closed.signal.aborted) return
      // The client resumes by its offset, here or elsewhere.
      this.parts.log.warn({ err: error }, "a socket could not be caught up and is cut")
      this.outlet.cut()
    } finally {
      this.#catchingUp = false
    }
  }

  async #step(): Promise<void> {
    if (this.#stale) return await this.#readRooms()
    const { relay } = this.parts
    if (this.#position !== undefined) {
      if (this.#position > (relay.cursor ?? 0)) return await this.#findOwnPast(this.#position)
      await this.#drained()
      if (this.#stale || this.#silent) return
    }
    this.#position ??= relay.cursor ?? 0
    if (relay.recent.covers(this.#position)) this.#tellFromMemory(this.#position)
    else await this.#tellFromTable(this.#position)
  }

  async #readRooms(): Promise<void> {
    // Cleared before the read: a change that commits during it is announced after it, and read again.
    this.#stale = false
    const principal = await findPrincipal(this.parts.pool, this.socket.data.uid)
    if (isBarred(principal)) this.socket.disconnect(true)
    this.#rooms = new Set(roomsOf(principal))
  }

  /** The client is ahead of this process: either the process is behind the table, or the client saw another past. */
  async #findOwnPast(position: number): Promise<void> {
    const { pool, relay } = this.parts
    const { head } = await findLog(pool)
    if (this.#silent) return
    if (position > head) {
      this.#tellGap(position, head)
      this.#position = head
    }
    if (!(await relay.reached(this.#position ?? 0, FOLLOWER_TIMEOUT_MS, this.#closed.signal)) && !this.#silent)
      throw new Error("this process has not read as far as the client has")
  }

  /** Waits until what was told has left. Looks now and then: the transport may change meanwhile, and with it its signals. */
  async #drained(): Promise<void> {
    const deadline = Date.now() + (this.parts.drainTimeoutMs ?? DRAIN_TIMEOUT_MS)
    for (let waitMs = DRAIN_LOOK_MIN_MS; !this.outlet.isDrained; waitMs = Math.min(2 * waitMs, DRAIN_LOOK_MAX_MS)) {
      if (Date.now() > deadline) throw new Error("the client does not read what it asked for")
      await sleep(waitMs, this.#closed.signal)
      if (this.#stale || this.#silent) return
    }
  }

  /** Within one tick: nothing newer can get ahead, and nothing falls between the last event told and the first one heard. */
  #tellFromMemory(position: number): void {
    const { relay } = this.parts
    const events = relay.recent.after(position, this.#rooms, REPLAY_BATCH_EVENTS)
    this.#tell(events)
    if (events.length === REPLAY_BATCH_EVENTS) return
    const offset = relay.cursor ?? 0
    this.#position = offset
    this.#live = true
    this.parts.rooms.join(this.outlet, this.#rooms)
    this.socket.emit("stream:ready", { offset })
    if (this.#replayed !== undefined) this.parts.observer?.replayed(this.#replayed)
    this.#replayed = undefined
  }

  async #tellFromTable(position: number): Promise<void> {
    const { pool, relay, replays } = this.parts
    const { cursor = 0, generation } = relay
    const rooms = [...this.#rooms]
    const { events, floor } = await replays.take(async () => ({
      events: await listRoomEvents(pool, rooms, position, cursor, REPLAY_BATCH_EVENTS),
      // Read after the events: what was deleted before or while they were read lies below it.
      floor: (await findLog(pool)).floor,
    }))
    if (this.#stale || this.#silent || relay.generation !== generation) return
    if (floor > position) {
      this.#tellGap(position, floor)
      this.#position = floor
    }
    this.#tell(events.filter((event) => event.offset > floor))
    if (events.length < REPLAY_BATCH_EVENTS) this.#position = Math.max(cursor, this.#position ?? 0)
  }

  #tellGap(from: number, to: number): void {
    this.parts.observer?.gap()
    this.socket.emit("stream:gap", { from, to })
  }

  #tell(events: readonly LoggedEvent[]): void {
    const last = events.at(-1)
    if (!last) return
    this.#position = last.offset
    if (this.#replayed !== undefined) this.#replayed += events.length
    this.outlet.send(events.map(packetOf))
  }
}
