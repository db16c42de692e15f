/** PAYMENT_KEYS: the keys that card data are encrypted with at rest. What is wrong is told by its entry, never by its value. */
import { createSecretKey, type KeyObject } from "node:crypto"
import type { z } from "zod"

/** The key is an opaque object: it is printed and serialised without its bytes. */
export type PaymentKey = { id: string; key: KeyObject }
/** The first encrypts; all decrypt. */
export type PaymentKeys = readonly [PaymentKey, ...PaymentKey[]]

const ID = /^[A-Za-z0-9._-]{1,40}$/
/** 32 bytes, as `openssl rand -base64 32` prints them. */
const KEY = /^[A-Za-z0-9+/]{43}=$/
/** A rotation needs two; anything near this is a mistake. */
const KEYS_MAX = 20

const DEVELOPMENT_KEY = createSecretKey(Buffer.from("for development only: not secret"))
/** Known to whoever reads this file. They let development work without the setting; production refuses them. */
export const DEVELOPMENT_KEYS: PaymentKeys = [{ id: "development", key: DEVELOPMENT_KEY }]

export function hasDevelopmentKey(keys: readonly PaymentKey[] = []): boolean {
  return keys.some(({ key }) => key.equals(DEVELOPMENT_KEY))
}

/** Reads `id1:base64key,id2:base64key`. */
export function readPaymentKeys(value: string, ctx: z.RefinementCtx): PaymentKeys {
  const complain = (message: string) => ctx.addIssue({ code: "custom", message })
  const entries = value.split(",").map((entry) => entry.trim())
  if (entries.length > KEYS_MAX) complain(`must have at most ${KEYS_MAX} keys`)
  const keys: PaymentKey[] = []
  for (const [index, entry] of entries.slice(0, KEYS_MAX).entries()) {
    const [id = "", encoded = ""] = entry.split(/:(.*)/s, 2)
    const name = `entry ${index + 1}`
    if (!ID.test(id)) complain(`${name} does not begin with an id of letters, digits, dots, dashes and a colon after it`)
    else if (!KEY.test(encoded)) complain(`${name} is not a key of 32 bytes in base64`)
    else if (keys.some((known) => known.id === id)) complain(`${name} has the id of an earlier one`)
    else keys.push({ id, key: createSecretKey(Buffer.from(encoded, "base64")) })
  }
  const [first, ...older] = keys
  return first ? [first, ...older] : DEVELOPMENT_KEYS
}
