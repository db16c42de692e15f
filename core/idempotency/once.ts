/** A POST that is sent again does its work once and gets its first answer again. */
import type { Pool, Tx } from "../db.ts"
import { conflict, invalid, type Refusal } from "../errors.ts"
import { findAnswer, insertAnswer, type KeptAnswer, type Keyed, tryKeyLock } from "./queries.ts"

export type Once<T> = { answer: T; replayed: boolean }

/** Does the work under the key, key and work in one transaction. What is refused is not kept: it may be tried again. */
export async function once<T>(pool: Pool, keyed: Keyed, work: (tx: Tx) => Promise<T>): Promise<Once<T>> {
  return await pool.begin(async (tx) => {
    if (!(await tryKeyLock(tx, keyed))) throw inFlight()
    const kept = await findAnswer(tx, keyed)
    if (kept) return replay<T>(kept, keyed)
    const answer = await work(tx)
    await insertAnswer(tx, keyed, JSON.stringify(answer))
    return { answer, replayed: false }
  })
}

/** The first answer again; a key that comes with another body is refused. */
export function replay<T>(kept: KeptAnswer, keyed: Keyed): Once<T> {
  if (kept.bodyDigest !== keyed.bodyDigest) throw invalid("Idempotency-Key", "was used with another body")
  return { answer: JSON.parse(kept.answer) as T, replayed: true }
}

export function inFlight(): Refusal {
  return conflict("A call with this Idempotency-Key is still in flight.")
}
