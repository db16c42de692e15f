/** A name's fold in UTF-8, made of the name's bytes where they stand in JSON. */
import { fold } from "../../text.ts"
import { textIn } from "./listing.ts"

const FIRST_BYTES = 1024
/** A character's fold is at most so many times as long. */
const LONGER_MAX = 6
const FIRST_PLAIN = 32
const LAST_PLAIN = 126
const BACKSLASH = 92
/** Latin letters with marks, and the precomposed ones of Vietnamese among others. */
const LATIN_FROM = 0xc0
const LATIN_TO = 0x24f
const MORE_LATIN_FROM = 0x1e00
const MORE_LATIN_TO = 0x1eff

const encoder = new TextEncoder()
/** By code: the fold of a Latin letter, where it is ASCII; null where it is not. These do not depend on what stands beside them. */
const letters: (Uint8Array | null | undefined)[] = []

export class FoldedName {
  bytes = Buffer.alloc(FIRST_BYTES)
  length = 0
  /** The fold as a text, where it is other than ASCII. */
  text: string | undefined

  /** Of most names no text is made: a load of a million doctors would leave some ten for each behind. */
  read(bytes: Buffer, from: number, to: number): void {
    if ((to - from) * LONGER_MAX > this.bytes.length) this.bytes = Buffer.alloc(2 * (to - from) * LONGER_MAX)
    this.text = undefined
    if (this.#readLatin(bytes, from, to)) return
    this.text = fold(textIn(bytes, from, to))
    const folded = encoder.encode(this.text)
    if (folded.length > this.bytes.length) this.bytes = Buffer.alloc(folded.length)
    this.bytes.set(folded)
    this.length = folded.length
  }

  #readLatin(bytes: Buffer, from: number, to: number): boolean {
    this.length = 0
    for (let at = from; at < to; ) {
      const first = bytes[at] as number
      if (first > LAST_PLAIN && first < 0xc3) return false
      const size = first < 0x80 ? 1 : first < 0xe0 ? 2 : 3
      const code = codeAt(bytes, at, size)
      const folded = letters[code] === undefined ? foldOf(code) : letters[code]
      if (!folded) return false
      for (let i = 0; i < folded.length; i++) this.bytes[this.length++] = folded[i] as number
      at += size
    }
    return true
  }
}

/** Of a character of one, two or three bytes; of a longer one some number that no Latin letter has. */
function codeAt(bytes: Buffer, at: number, size: number): number {
  const first = bytes[at] as number
  if (size === 1) return first
  const second = (bytes[at + 1] as number) & 0x3f
  if (size === 2) return ((first & 0x1f) << 6) | second
  return first >= 0xf0 ? 0 : ((first & 0xf) << 12) | (second << 6) | ((bytes[at + 2] as number) & 0x3f)
}

function foldOf(code: number): Uint8Array | null {
  const isLatin = (code >= LATIN_FROM && code <= LATIN_TO) || (code >= MORE_LATIN_FROM && code <= MORE_LATIN_TO)
  const isPlain = code >= FIRST_PLAIN && code <= LAST_PLAIN && code !== BACKSLASH
  if (!isLatin && !isPlain) return null
  const folded = encoder.encode(fold(String.fromCharCode(code)))
  letters[code] = folded.every((byte) => byte >= FIRST_PLAIN && byte <= LAST_PLAIN) ? folded : null
  return letters[code]
}
