/**
 * What the audit log holds: who did what to which patients' data, from where, and with what result. Nothing else: no name, no text that
 * somebody wrote, no amount, no card. Whose the named things are, the sealer finds out (sql/0007_audit.sql).
 */
import type { Principal, Role } from "../auth/principal.ts"

export const ACTIONS = ["READ", "CREATE", "CHANGE"] as const
export type Action = (typeof ACTIONS)[number]

/** socket: a socket that is let in, and what it hears as whoever it is, until it closes. */
export const RESOURCES = ["patient", "appointment", "payment", "queue", "notification", "socket"] as const
export type Resource = (typeof RESOURCES)[number]

/**
 * REPLAYED: the first answer again, for a key that came again. UNAUTHORIZED, LIMITED: turned away unheard, for want of a valid token or as
 * one call too many. FAILED: answered 500; whether anything was done is not known.
 */
export const OUTCOMES = ["DONE", "REPLAYED", "UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND", "CONFLICT", "INVALID", "LIMITED", "FAILED"] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Who acts without an account. */
export const UNSIGNED = ["SYSTEM", "OPERATOR"] as const

/**
 * `uid`: null where there is no valid token; of a socket that brings a bad one later, whose socket it is. `role`: null for a newcomer, and where it was not looked up; an account's never changes.
 * `address`: null if it is not known.
 */
export type Actor = { uid: string | null; role: Role | (typeof UNSIGNED)[number] | null; address: string | null }

/** What the worker does of itself. */
export const SYSTEM: Actor = { uid: null, role: "SYSTEM", address: null }

/** Whoever runs a command on the machine of this name. */
export const operatorAt = (host: string): Actor => ({ uid: null, role: "OPERATOR", address: host })

export function actorOf({ uid, role, address = null }: Principal): Actor {
  return { uid, role, address }
}

/**
 * `ids`: of patients, appointments and payments that were named or shown. `lastOffset`: of a socket, after which event it is told what it
 * missed; null: it hears only what comes. `unwritten`: how many more were turned away like this, by whomever and whatever they named, of whom
 * this is the only entry (core/audit/unheard.ts).
 */
export type Act = {
  action: Action
  resource: Resource
  ids: readonly string[]
  outcome: Outcome
  lastOffset?: number | null
  unwritten?: number
}

/** An entry with more is split: so that no row is large, and none is refused by `audit_inbox_entry_bounded`. */
const IDS_MAX = 500

/** The entries of one act, as text: what is hashed is exactly this. */
export function entriesOf(actor: Actor, { ids, ...act }: Act, now = new Date()): string[] {
  const distinct = [...new Set(ids)]
  const parts = Array.from({ length: Math.max(1, Math.ceil(distinct.length / IDS_MAX)) }, (_, n) =>
    distinct.slice(n * IDS_MAX, (n + 1) * IDS_MAX),
  )
  return parts.map((part) => written(actor, { ...act, ids: part }, now))
}

/** Of an act on one thing that is done, which is one entry. */
export function entryOf(actor: Actor, action: Action, resource: Resource, id: string): string {
  return written(actor, { action, resource, ids: [id], outcome: "DONE" }, new Date())
}

function written({ uid, role, address }: Actor, { action, resource, ids, outcome, lastOffset, unwritten }: Act, now: Date): string {
  return JSON.stringify({ at: now.toISOString(), uid, role, address, action, resource, ids, outcome, lastOffset, unwritten })
}
