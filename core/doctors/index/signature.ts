/**
 * A sieve for parts of names: which letters and which pairs of letters a folded text has, in two words of 32 bits. Whatever contains
 * a part has all the bits of the part.
 */

/** Folded Latin letters have a bit each; all other characters share the rest. */
const LETTERS = 26
const FIRST_LETTER = 97
const OTHERS = 32 - LETTERS
/** Spreads pairs over the 32 bits: the golden ratio's, as in Knuth's multiplicative hashing. */
const SPREAD = 0x9e3779b1

export function addSignature(text: string, into: Int32Array, at: number): void {
  let [letters, pairs, before] = [0, 0, 0]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const letter = code - FIRST_LETTER
    letters |= 1 << (letter >= 0 && letter < LETTERS ? letter : LETTERS + (code % OTHERS))
    if (i > 0) pairs |= 1 << (Math.imul(before * 0x10001 + code, SPREAD) >>> 27)
    before = code
  }
  into[at] = letters
  into[at + 1] = pairs
}
