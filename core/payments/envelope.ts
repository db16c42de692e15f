/**
 * Card data at rest: AES-256-GCM (NIST SP 800-38D), a fresh random nonce each, the row's id as associated data, so that a sealed card
 * opens in its own row alone. A key is good for 2^32 random nonces, which no clinic will ever use up.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { PaymentKeys } from "../payment-keys.ts"

const ALGORITHM = "aes-256-gcm"
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What nobody reads but by a key. */
export type CardSecret = { number: string; holder: string }
/** `sealed` is nonce, ciphertext and tag, in this order. */
export type Sealed = { keyId: string; sealed: Buffer }

/** With the first key. */
export function sealCard(keys: PaymentKeys, paymentId: string, secret: CardSecret): Sealed {
  const [{ id: keyId, key }] = keys
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(paymentId))
  const text = Buffer.concat([cipher.update(JSON.stringify(secret), "utf8"), cipher.final()])
  return { keyId, sealed: Buffer.concat([nonce, text, cipher.getAuthTag()]) }
}

/** Undefined when no key of that id is known, or it is not the one that sealed this row. */
export function openCard(keys: PaymentKeys, paymentId: string, { keyId, sealed }: Sealed): CardSecret | undefined {
  const known = keys.find((k) => k.id === keyId)
  if (!known || sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
  const decipher = createDecipheriv(ALGORITHM, known.key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(paymentId))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  const text = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
  try {
    return JSON.parse(Buffer.concat([text, decipher.final()]).toString("utf8")) as CardSecret
  } catch {
    return undefined
  }
}
