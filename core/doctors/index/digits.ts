/** Writes constant texts and numbers of JSON. What is written may run on for up to three bytes, which the next one writes over. */

const METRES_PER_KM = 1_000
const ZERO = 48
const POINT = 46

/** By number below 1,000: its three digits as characters, the first in the lowest byte. One store writes all three. */
const TRIPLES = Int32Array.from({ length: 1_000 }, (_, n) => {
  const digit = (power: number) => ZERO + (Math.trunc(n / power) % 10)
  return digit(100) | (digit(10) << 8) | (digit(1) << 16)
})

/** Writes metres / 1000, for whole metres up to 999,999, and returns where it ends. */
export function writeKm(metres: number, into: DataView, start: number): number {
  const km = (metres / METRES_PER_KM) | 0
  const at = writeSmall(km, into, start)
  const rest = metres - km * METRES_PER_KM
  if (rest === 0) return at
  const triple = TRIPLES[rest] as number
  into.setInt32(at, POINT | (triple << 8), true)
  if (triple >>> 16 !== ZERO) return at + 4
  return ((triple >>> 8) & 0xff) !== ZERO ? at + 3 : at + 2
}

/** Writes a whole number, and returns where it ends. */
export function writeWhole(value: number, into: DataView, start: number): number {
  if (value < 1_000) return writeSmall(value, into, start)
  const thousands = Math.floor(value / 1_000)
  const at = writeWhole(thousands, into, start)
  into.setInt32(at, TRIPLES[value - thousands * 1_000] as number, true)
  return at + 3
}

/** Below 1,000. */
function writeSmall(value: number, into: DataView, start: number): number {
  const digits = value >= 100 ? 3 : value >= 10 ? 2 : 1
  into.setInt32(start, (TRIPLES[value] as number) >>> (8 * (3 - digits)), true)
  return start + digits
}

/** A text in ASCII, as words of four bytes, the first in the lowest. */
export type Constant = { words: Int32Array; length: number }

export function constant(text: string): Constant {
  const byte = (i: number) => (i < text.length ? text.charCodeAt(i) : 0)
  const words = Int32Array.from({ length: Math.ceil(text.length / 4) }, (_, word) =>
    [0, 1, 2, 3].reduce((sum, i) => sum | (byte(4 * word + i) << (8 * i)), 0),
  )
  return { words, length: text.length }
}

/** Writes it, and returns where it ends. */
export function writeConstant({ words, length }: Constant, into: DataView, start: number): number {
  for (let i = 0; i < words.length; i++) into.setInt32(start + 4 * i, words[i] as number, true)
  return start + length
}
