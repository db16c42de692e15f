/**
 * A sieve for parts of names: which letters and which pairs of letters a folded text has, in two words of 32 bits. Whatever contains
 * a part has all the bits of the part.
 */

/** Folded Latin letters have a bit each; all other characters share the rest. */
const LETTERS = 26
const FIRST_LETTER = 97
const OTHERS = 32 - LETTERS
const UPPER_A = 65
const UPPER_Z = 90
const TO_LOWER = 32
/** Spreads pairs over the 32 bits: the golden ratio's, as in Knuth's multiplicative hashing. */
const SPREAD = 0x9e3779b1

export function addSignature(text: string, into: Int32Array, at: number): void {
  let letters = 0
  let pairs = 0
  let before = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    letters |= letterBit(code)
    if (i > 0) pairs |= pairBit(before, code)
    before = code
  }
  into[at] = letters
  into[at + 1] = pairs
}

/** The same of the lower case of ASCII, from where it stands. */
export function addPlainSignature(bytes: Uint8Array, from: number, to: number, into: Int32Array, at: number): void {
  let letters = 0
  let pairs = 0
  let before = 0
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number
    const code = byte >= UPPER_A && byte <= UPPER_Z ? byte + TO_LOWER : byte
    letters |= letterBit(code)
    if (i > from) pairs |= pairBit(before, code)
    before = code
  }
  into[at] = letters
  into[at + 1] = pairs
}

function letterBit(code: number): number {
  const letter = code - FIRST_LETTER
  return 1 << (letter >= 0 && letter < LETTERS ? letter : LETTERS + (code % OTHERS))
}

function pairBit(before: number, code: number): number {
  return 1 << (Math.imul(before * 0x10001 + code, SPREAD) >>> 27)
}
