/** The code that lets colleagues and receptionists join a clinic. */
import { timingSafeEqual } from "node:crypto"
import { Refusal } from "../errors.ts"

/** Crockford's base 32: no letters that look like digits. Ten of them are 50 bits: not to be guessed at five tries an hour. */
const CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
const CODE_LENGTH = 10

export function verificationCode(): string {
  return [...crypto.getRandomValues(new Uint8Array(CODE_LENGTH))].map((byte) => CODE_ALPHABET[byte % CODE_ALPHABET.length]).join("")
}

/** Compared in constant time, without regard to case. */
export function sameCode(given: string, expected: string): boolean {
  const a = Buffer.from(given.toUpperCase())
  const b = Buffer.from(expected)
  return a.length === b.length && timingSafeEqual(a, b)
}

/** An unknown clinic and a wrong code answer alike, so that neither tells of the other. Counted by {@link CodeTries}. */
export class WrongCode extends Refusal {
  constructor(path: string) {
    const message = "does not fit the clinic"
    super("invalid", `${path}: ${message}`, { issues: [{ path, message }] })
  }
}
