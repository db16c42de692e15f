/** The namespace /notifications: who may come in, and which of this process's sockets are whose. */
import type { Namespace, Server, Socket } from "socket.io"
import type { Actor, Outcome } from "../core/audit/entry.ts"
import { type Identity, isBarred } from "../core/auth/principal.ts"
import { findPrincipal } from "../core/auth/queries.ts"
import type { CallWindows } from "../core/call-windows.ts"
import { isUnavailable } from "../core/db.ts"
import { Refusal } from "../core/errors.ts"
import type { LoggedEvent } from "../core/events/catalog.ts"
import type { Engine } from "./connection.ts"
import { fanOut, type Told } from "./fan-out.ts"
import type { HandshakeAudit } from "./handshake-audit.ts"
import type { Outlet } from "./outlet.ts"
import { NAMESPACE, packetOf } from "./packet.ts"
import type { Listener } from "./relay.ts"
import { Rooms } from "./rooms.ts"
import { type Arrival, Session, type SessionParts } from "./session.ts"
import { Turns } from "./turns.ts"

/** Handshakes that may verify a token and read a principal at once; the others are told to come again. */
const MAX_HANDSHAKES = 1_000
/** Replays that read the table at once, so that they leave connections of the pool to handshakes and the follower. */
const CONCURRENT_REPLAYS = 8
/** Longer than a slow network takes to say its namespace; a connection that never does is closed. */
export const CONNECT_TIMEOUT_MS = 15_000

/** Throws a Refusal: `unauthorized`, or `unavailable` when it cannot tell. */
export type Verifier = { verify(token: string): Promise<Identity> }

type DoorParts = {
  engine: Engine
  verifier: Verifier
  audit: HandshakeAudit
  /** Where each person's handshakes are counted; undefined: nowhere. */
  limit?: CallWindows
}

export type GatewayParts = Omit<SessionParts, "replays" | "rooms"> & DoorParts & { io: Server }

export class Gateway implements Listener {
  readonly #namespace: Namespace
  readonly #sessions = new Map<string, Set<Session>>()
  readonly #parts: SessionParts & DoorParts
  readonly #rooms = new Rooms<Outlet>()
  #handshakes = new Set<Socket["conn"]>()
  /** How often anybody's access has changed, as far as the relay has read. */
  #accessChanges = 0
  #failing = false

  constructor({ io, ...parts }: GatewayParts) {
    this.#parts = { ...parts, rooms: this.#rooms, replays: new Turns(CONCURRENT_REPLAYS) }
    // Socket.IO has a namespace "/" whether one wants it or not.
    io.use((_, next) => next(new Error("unauthorized")))
    this.#namespace = io.of(NAMESPACE)
    this.#namespace.use((socket, next) => {
      this.#admit(socket).then(
        () => next(),
        (error) => {
          const reason = this.#explain(error)
          // A client does not come back by itself from a refusal, but does from a lost connection: this is no fault of its own.
          if (reason.message === "unavailable") this.#parts.engine.outletOf(socket.conn).cut()
          else next(reason)
        },
      )
    })
    this.#namespace.on("connection", (socket) => this.#open(socket))
  }

  deliver(events: readonly LoggedEvent[]): void {
    const { observer } = this.#parts
    const heard = events.filter((event) => event.rooms.some((room) => this.#rooms.has(room)))
    if (observer) for (const event of heard) observer.emitted(event.name, countMembers(event.rooms.map((r) => this.#rooms.membersOf(r))))
    const batch = heard.flatMap((event) => this.#encode(event))
    fanOut(this.#rooms, batch, (outlet, packets) => this.#write(outlet, packets))
  }

  accessChanged(uid: string): void {
    this.#accessChanges++
    for (const session of this.#sessions.get(uid) ?? []) session.accessChanged()
  }

  gap(from: number, to: number): void {
    for (const sessions of this.#sessions.values()) for (const session of sessions) session.gap(from, to)
  }

  /** One event that cannot be told must not keep the others from being. */
  #encode(event: LoggedEvent): Told[] {
    try {
      return [{ rooms: event.rooms, packet: packetOf(event) }]
    } catch (error) {
      this.#parts.log.error({ err: error, offset: event.offset }, "an event could not be delivered")
      return []
    }
  }

  #write(outlet: Outlet, packets: string[]): void {
    try {
      outlet.send(packets)
    } catch (error) {
      this.#parts.log.error({ err: error }, "a socket could not be written to and is cut")
      // Whoever misses one event must not be told the next.
      outlet.cut()
    }
  }

  /** Nobody learns whether they are in before that is in the audit; what cannot be written down is "unavailable". */
  async #admit(socket: Socket): Promise<void> {
    const actor: Actor = { uid: null, role: null, address: this.#parts.engine.addressOf(socket.conn) }
    try {
      await this.#identify(socket, actor)
    } catch (error) {
      throw await this.#written(error, actor)
    }
  }

  /** Why somebody is turned away, once that is in the audit; or why it cannot be told. */
  async #written(reason: unknown, actor: Actor): Promise<unknown> {
    const outcome = outcomeOf(reason)
    if (!outcome) return reason
    return await this.#parts.audit.turnedAway(actor, outcome).then(
      () => reason,
      (error: unknown) => error,
    )
  }

  /** Fills in what it finds out of the actor, as far as it comes. */
  async #identify(socket: Socket, actor: Actor): Promise<void> {
    const { pool, relay, verifier, audit, limit } = this.#parts
    const { token, lastOffset } = socket.handshake.auth as Record<string, unknown>
    if (typeof token !== "string" || token === "") throw new Refusal("unauthorized", "no token")
    // One at a time for each connection: asking again and again on one must not cost more than asking once.
    if (relay.cursor === undefined || this.#handshakes.size >= MAX_HANDSHAKES || this.#handshakes.has(socket.conn))
      throw new Refusal("unavailable", "not now")
    this.#handshakes.add(socket.conn)
    try {
      const identity = await verifier.verify(token)
      actor.uid = identity.uid
      if (limit && ++limit.of(identity.uid, Date.now()).calls > limit.max) throw new Refusal("rate_limited", "too many handshakes")
      const offset = parseOffset(lastOffset)
      const seen = this.#accessChanges
      const principal = await findPrincipal(pool, identity.uid)
      actor.role = principal.role
      if (isBarred(principal)) throw new Refusal("forbidden", "turned away by the clinic")
      await audit.letIn(principal, actor.address, offset)
      this.#failing = false
      socket.data = { uid: identity.uid, arrival: { identity, principal, lastOffset: offset } satisfies Arrival, seen }
    } finally {
      this.#handshakes.delete(socket.conn)
    }
  }

  /** How many signed-in sockets there are. */
  get sockets(): number {
    return this.#namespace.sockets.size
  }

  #explain(error: unknown): Error {
    const reason = reasonOf(error)
    this.#parts.observer?.refused(reason)
    if (reason !== "unavailable") return error instanceof InvalidOffset ? error : new Error(reason)
    if (error instanceof Refusal && error.code === "rate_limited") return new Error(reason)
    const expected = isUnavailable(error) || (error instanceof Refusal && error.code === "unavailable")
    if (!expected) this.#parts.log.error({ err: error }, "a socket could not be admitted")
    // Once an outage, not once a socket.
    else if (!this.#failing) this.#parts.log.warn({ err: error }, "sockets cannot be admitted; clients try again until they can")
    this.#failing ||= expected
    return new Error("unavailable")
  }

  /**
   * Rooms are taken without a race: from this tick on the session is told of changes, and every change that the relay
   * has read since before the principal was read shows in the count. One read earlier had committed before that read.
   */
  #open(socket: Socket): void {
    const { uid, arrival, seen } = socket.data as { uid: string; arrival: Arrival; seen: number }
    const session = new Session(socket, this.#parts.engine.outletOf(socket.conn), arrival, this.#parts)
    const sessions = this.#sessions.get(uid) ?? new Set()
    this.#sessions.set(uid, sessions.add(session))
    socket.on("disconnect", () => {
      session.close()
      sessions.delete(session)
      if (sessions.size === 0 && this.#sessions.get(uid) === sessions) this.#sessions.delete(uid)
    })
    let refreshing = false
    socket.on("auth:refresh", async (payload: unknown, second: unknown) => {
      const ack = typeof payload === "function" ? payload : second
      const answer = (outcome: { ok: boolean; error?: string }) => (typeof ack === "function" ? ack(outcome) : undefined)
      if (refreshing) return answer({ ok: false, error: "unavailable" })
      refreshing = true
      answer(await this.#refresh(session, socket, payload))
      refreshing = false
    })
    session.begin(seen !== this.#accessChanges)
  }

  async #refresh(session: Session, socket: Socket, payload: unknown): Promise<{ ok: boolean; error?: string }> {
    const { uid } = socket.data as { uid: string }
    const token = typeof payload === "object" && payload !== null && "token" in payload ? payload.token : payload
    try {
      if (typeof token !== "string" || token === "") throw new Refusal("unauthorized", "no token")
      const identity = await this.#parts.verifier.verify(token)
      if (identity.uid !== uid) throw new Refusal("unauthorized", "another person's token")
      session.renew(identity)
      return { ok: true }
    } catch (error) {
      const actor: Actor = { uid, role: null, address: this.#parts.engine.addressOf(socket.conn) }
      return { ok: false, error: this.#explain(await this.#written(error, actor)).message }
    }
  }
}

/** How many are in any of the rooms. */
function countMembers(rooms: ReadonlySet<Outlet>[]): number {
  return rooms.length === 1 ? (rooms[0]?.size ?? 0) : new Set(rooms.flatMap((room) => [...room])).size
}

function reasonOf(error: unknown): "malformed" | "unauthorized" | "forbidden" | "unavailable" {
  if (error instanceof InvalidOffset) return "malformed"
  return error instanceof Refusal && (error.code === "unauthorized" || error.code === "forbidden") ? error.code : "unavailable"
}

/** What stands in the audit of who was turned away; undefined: nothing was found out about them. */
function outcomeOf(error: unknown): Outcome | undefined {
  if (error instanceof InvalidOffset) return "INVALID"
  if (!(error instanceof Refusal)) return undefined
  return ({ unauthorized: "UNAUTHORIZED", forbidden: "FORBIDDEN", rate_limited: "LIMITED" } as const)[error.code as string]
}

class InvalidOffset extends Error {
  override message = "lastOffset: must be a non-negative integer"
}

function parseOffset(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  // What a browser kept comes back as text.
  if (typeof value === "string" && /^\d{1,16}$/.test(value)) return parseOffset(Number(value))
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new InvalidOffset()
  return value
}
