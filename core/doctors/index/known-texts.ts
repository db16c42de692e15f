import { FNV_OFFSET, FNV_PRIME } from "./fnv.ts"
import { textIn } from "./listing.ts"

/** Of a table's specializations, nearly all. */
const PLACES = 1 << 8

/** Texts that come again and again in JSON: of a million doctors' specializations, garbage that takes long to collect. */
export class KnownTexts {
  readonly #bytes = new Array<Uint8Array | undefined>(PLACES)
  readonly #texts = new Array<string>(PLACES).fill("")

  /** What {@link textIn} makes of it. */
  textIn(bytes: Buffer, from: number, to: number): string {
    let hash = FNV_OFFSET
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), FNV_PRIME)
    const place = (hash ^ (hash >>> 16)) & (PLACES - 1)
    if (!isSame(this.#bytes[place], bytes, from, to)) {
      this.#texts[place] = textIn(bytes, from, to)
      this.#bytes[place] = Uint8Array.prototype.slice.call(bytes, from, to)
    }
    return this.#texts[place] as string
  }
}

function isSame(known: Uint8Array | undefined, bytes: Buffer, from: number, to: number): boolean {
  if (known?.length !== to - from) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false
  return true
}
