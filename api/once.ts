/** `Idempotency-Key` on POST, as draft-ietf-httpapi-idempotency-key-header has it. */
import { hash } from "node:crypto"
import type { Context, HonoRequest } from "hono"
import type { Identity } from "../core/auth/principal.ts"
import type { Pool, Tx } from "../core/db.ts"
import { Refusal } from "../core/errors.ts"
import { type Once, once } from "../core/idempotency/once.ts"
import type { Keyed } from "../core/idempotency/queries.ts"

const KEY_MAX = 255

type Call = { req: HonoRequest; get: (name: "identity") => Identity }

/** The key of the call, if it has one; `body` is the validated body. */
export function keyOf(c: Call, body: unknown): Keyed | undefined {
  const key = c.req.header("idempotency-key")
  if (key === undefined) return undefined
  if (key.length === 0 || key.length > KEY_MAX || !key.isWellFormed()) {
    const message = `must have 1 to ${KEY_MAX} characters`
    throw new Refusal("malformed", `Idempotency-Key: ${message}`, { issues: [{ path: "Idempotency-Key", message }] })
  }
  // A client may make its keys of anything, a card's number too; to know one again, a digest is enough.
  return {
    caller: c.get("identity").uid,
    route: `${c.req.method} ${c.req.path}`,
    key: digestOf(key),
    bodyDigest: digestOf(JSON.stringify(body)),
  }
}

/** What is kept of a key, and of a body. */
export const digestOf = (text: string) => hash("sha256", text, "base64url")

/** 201 unless said otherwise; told to be a replay if it is one. */
export function answered<T>(c: Context, { answer, replayed }: Once<T>, status: 200 | 201 = 201) {
  if (replayed) c.header("Idempotency-Replayed", "true")
  return c.json(answer, status)
}

/** Does the work in a transaction, and once: under the call's key, if it has one. */
export async function doOnce<T>(c: Call, pool: Pool, body: unknown, work: (tx: Tx) => Promise<T>): Promise<Once<T>> {
  const keyed = keyOf(c, body)
  return keyed ? await once(pool, keyed, work) : { answer: (await pool.begin(work)) as T, replayed: false }
}
