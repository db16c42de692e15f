import { type Db, maybeOne } from "../db.ts"

/** A call that may be a retry: whose, of which route, under which key, with what body (as a digest). */
export type Keyed = { caller: string; route: string; key: string; bodyDigest: string }

export type KeptAnswer = { bodyDigest: string; answer: string }

/** How long a first answer is kept. */
export const KEPT = "24 hours"

/** The lock of a key: held while its call is in flight, tried and never waited for. */
export async function tryKeyLock(tx: Db, k: Keyed): Promise<boolean> {
  const rows = await tx<{ held: boolean }[]>`
    select pg_try_advisory_xact_lock(idempotency_lock(${k.caller}, ${k.route}, ${k.key})) as held`
  return rows[0]?.held ?? false
}

export async function findAnswer(db: Db, k: Keyed): Promise<KeptAnswer | undefined> {
  return maybeOne(
    await db<KeptAnswer[]>`
      select body_digest as "bodyDigest", answer from idempotency_keys
      where caller = ${k.caller} and route = ${k.route} and key = ${k.key} and created_at > now() - ${KEPT}::interval`,
  )
}

/** Keeps the answer, in the place of one that has grown too old. */
export async function insertAnswer(tx: Db, k: Keyed, answer: string): Promise<void> {
  await tx`
    insert into idempotency_keys (caller, route, key, body_digest, answer)
    values (${k.caller}, ${k.route}, ${k.key}, ${k.bodyDigest}, ${answer})
    on conflict on constraint idempotency_keys_pkey
    do update set body_digest = excluded.body_digest, answer = excluded.answer, created_at = now()`
}

/** Removes the key if its answer has grown too old. */
export async function deleteExpiredAnswer(db: Db, k: Keyed): Promise<void> {
  await db`
    delete from idempotency_keys
    where caller = ${k.caller} and route = ${k.route} and key = ${k.key} and created_at <= now() - ${KEPT}::interval`
}
