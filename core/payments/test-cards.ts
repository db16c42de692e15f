/** Many stored cards, for tests of their keys. */
import { createSecretKey, randomBytes } from "node:crypto"
import type { Pool } from "../db.ts"
import type { PaymentKey, PaymentKeys } from "../payment-keys.ts"
import { openCard, sealCard } from "./envelope.ts"
import type { SealedRow } from "./queries.ts"

/** Far below what one statement may have as parameters. */
const ROWS_OF_A_STATEMENT = 1_000

export const newKey = (id: string): PaymentKey => ({ id, key: createSecretKey(randomBytes(32)) })

/** The setting that says these keys. */
export const settingOf = (...keys: PaymentKey[]) => keys.map(({ id, key }) => `${id}:${key.export().toString("base64")}`).join(",")

/** Payments by card, sealed with the first key; each card's holder is the payment's id. */
export async function storeCards(
  db: Pool,
  keys: PaymentKeys,
  whose: { doctorId: string; patientId: string },
  count: number,
): Promise<void> {
  for (let stored = 0; stored < count; stored += ROWS_OF_A_STATEMENT) {
    const rows = Array.from({ length: Math.min(ROWS_OF_A_STATEMENT, count - stored) }, () => {
      const id = Bun.randomUUIDv7()
      const { keyId, sealed } = sealCard(keys, id, { number: "4242424242424242", holder: id })
      return { id, key_id: keyId, sealed: sealed.toString("base64") }
    })
    await db`
      insert into payments (id, doctor_id, patient_id, amount, currency, method, card_brand, card_last4, card_exp_month, card_exp_year,
        card_sealed, card_key_id, created_at, updated_at)
      select id, ${whose.doctorId}, ${whose.patientId}, 10, 'USD', 'CARD', 'visa', '4242', 12, 2090, decode(sealed, 'base64'), key_id, now(), now()
      from jsonb_to_recordset(${db.json(rows)}) as r (id uuid, key_id text, sealed text)`
  }
}

export async function storedCards(db: Pool): Promise<SealedRow[]> {
  return await db<SealedRow[]>`
    select id, card_key_id as "keyId", card_sealed as sealed from payments where card_key_id is not null order by id`
}

/** Those that these keys do not open. */
export const unopened = (keys: PaymentKeys, rows: SealedRow[]) => rows.filter((row) => openCard(keys, row.id, row) === undefined)
