/** Moving sealed cards under the newest key, while everything runs. */
import { type Actor, entriesOf } from "../audit/entry.ts"
import { insertEntries } from "../audit/queries.ts"
import type { Pool } from "../db.ts"
import type { PaymentKeys } from "../payment-keys.ts"
import { sleep } from "../time.ts"
import { openCard, sealCard } from "./envelope.ts"
import { claimSealed, countByKey, type SealedRow, updateSealed } from "./queries.ts"

/** Rows locked at once: a millisecond or two of work, which is what a rival waits at most. */
const BATCH_ROWS = 100
/** What somebody else held in one pass is met in the next. */
const PASSES_MAX = 5
const PASS_PAUSE_MS = 500
const BEFORE_EVERY_ID = "00000000-0000-0000-0000-000000000000"

export type Rotation = {
  reencrypted: number
  /** Cards that the key of their id does not open. They were left as they are. */
  unreadable: number
  /** Cards that are not under the first key, by key: of keys that are not known, or held by somebody else all along. */
  left: { keyId: string; cards: number }[]
}

/**
 * Re-encrypts every card that lies under an older key with the first one, and says so in the audit, under `actor`. Each batch is a
 * transaction, so it may be killed at any moment and started again, and any number may run at once. `tell` hears the count after every batch.
 */
export async function rotateKeys(pool: Pool, keys: PaymentKeys, actor: Actor, tell: (reencrypted: number) => void): Promise<Rotation> {
  const [newest, ...older] = keys
  let reencrypted = 0
  let unreadable = 0
  for (let pass = 1; pass <= PASSES_MAX; pass++) {
    if (pass > 1) await sleep(PASS_PAUSE_MS)
    unreadable = 0
    for (const { id } of older)
      unreadable += await rotateKey(pool, { keys, actor }, id, (count) => {
        reencrypted += count
        tell(reencrypted)
      })
    const left = (await countByKey(pool)).filter(({ keyId }) => keyId !== newest.id)
    const held = left.filter(({ keyId }) => older.some((k) => k.id === keyId)).reduce((sum, { cards }) => sum + cards, 0) - unreadable
    if (held <= 0 || pass === PASSES_MAX) return { reencrypted, unreadable, left }
  }
  throw new Error("the last pass returns")
}

/** One pass over the cards of one key, in the order of their ids. Returns how many did not open. */
async function rotateKey(
  pool: Pool,
  { keys, actor }: { keys: PaymentKeys; actor: Actor },
  keyId: string,
  tell: (reencrypted: number) => void,
): Promise<number> {
  let unreadable = 0
  let after = BEFORE_EVERY_ID
  for (;;) {
    const batch = await pool.begin(async (tx) => {
      const rows = await claimSealed(tx, keyId, after, BATCH_ROWS)
      const resealed = rows.flatMap((row) => reseal(keys, row) ?? [])
      if (resealed.length > 0) {
        await updateSealed(tx, resealed)
        const ids = resealed.map(({ id }) => id)
        await insertEntries(tx, entriesOf(actor, { action: "CHANGE", resource: "payment", outcome: "DONE", ids }))
      }
      return { rows, resealed }
    })
    unreadable += batch.rows.length - batch.resealed.length
    if (batch.resealed.length > 0) tell(batch.resealed.length)
    const last = batch.rows.at(-1)
    if (!last || batch.rows.length < BATCH_ROWS) return unreadable
    after = last.id
  }
}

function reseal(keys: PaymentKeys, row: SealedRow): SealedRow | undefined {
  const secret = openCard(keys, row.id, row)
  return secret && { id: row.id, ...sealCard(keys, row.id, secret) }
}
