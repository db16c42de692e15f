/** What searches found, remembered so that the next one nearby reads about as much as it needs. A hint only: no answer hangs on it. */
import { LRUCache } from "lru-cache"
import type { Origin } from "./cover.ts"
import { firstPlaceAround } from "./places.ts"

/** Streets of some 5 km² know best; where nobody has asked yet, a town of 250 km² does. */
const RESOLUTIONS = [7, 5] as const
/** Some 10 MB when full. */
const REMEMBERED_MAX = 40_000
/** In characters: longer filters are not remembered. */
const KEY_MAX = 100
/** A page at one spot says little of what is next to it. */
const KM_MIN = 0.05

export class Densities {
  /** The nth doctor is about this times √n away. */
  readonly #kmPerRoot = new LRUCache<string, number>({ max: REMEMBERED_MAX })

  /** How near the nth doctor is, about; undefined where nothing is known. `filters`: what else is asked for. */
  guessKm(origin: Origin, filters: string, nth: number): number | undefined {
    if (filters.length > KEY_MAX) return undefined
    for (const resolution of RESOLUTIONS) {
      const known = this.#kmPerRoot.get(keyOf(origin, resolution, filters))
      if (known !== undefined) return known * Math.sqrt(nth)
    }
    return undefined
  }

  /** The nth doctor is so many km away; where there are fewer, the last one. */
  remember(origin: Origin, filters: string, km: number, nth: number): void {
    if (filters.length > KEY_MAX) return
    const kmPerRoot = Math.max(KM_MIN, km) / Math.sqrt(nth)
    for (const resolution of RESOLUTIONS) this.#kmPerRoot.set(keyOf(origin, resolution, filters), kmPerRoot)
  }
}

function keyOf(origin: Origin, resolution: number, filters: string): string {
  return `${resolution}:${firstPlaceAround(origin.place, resolution)}:${filters}`
}
