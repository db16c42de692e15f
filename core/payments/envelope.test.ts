import { expect, test } from "bun:test"
import { createSecretKey, randomBytes } from "node:crypto"
import type { PaymentKey } from "../payment-keys.ts"
import { openCard, sealCard } from "./envelope.ts"

const newKey = (id: string): PaymentKey => ({ id, key: createSecretKey(randomBytes(32)) })
const [one, two] = [newKey("one"), newKey("two")]
const id = Bun.randomUUIDv7()
const secret = { number: "4242424242424242", holder: "Ada Osei" }

test("a card is sealed with the first key and opened with any that is known, first or not", () => {
  const sealed = sealCard([one, two], id, secret)
  expect(sealed.keyId).toBe("one")
  expect(openCard([one], id, sealed)).toEqual(secret)
  expect(openCard([two, one], id, sealed)).toEqual(secret)
})

test("a card does not open without its key, with another key of the same id, or in another row", () => {
  const sealed = sealCard([one], id, secret)
  expect(openCard([two], id, sealed)).toBeUndefined()
  expect(openCard([newKey("one")], id, sealed)).toBeUndefined()
  expect(openCard([one], Bun.randomUUIDv7(), sealed)).toBeUndefined()
})

test("a card with any bit changed, or cut short, does not open", () => {
  const { keyId, sealed } = sealCard([one], id, secret)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const forged = Buffer.from(sealed)
    forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(openCard([one], id, { keyId, sealed: forged })).toBeUndefined()
  }
  for (let length = 0; length < sealed.length; length++)
    expect(openCard([one], id, { keyId, sealed: sealed.subarray(0, length) })).toBeUndefined()
})

test("every sealing has a nonce of its own, and nothing readable in it", () => {
  const sealings = Array.from({ length: 1_000 }, () => sealCard([one], id, secret).sealed)
  expect(new Set(sealings.map((s) => s.subarray(0, 12).toString("hex"))).size).toBe(1_000)
  for (const s of sealings) for (const text of Object.values(secret)) expect(s.toString("latin1")).not.toContain(text)
})
