/**
 * Runs of consecutive units in a growing pool. A new run comes to lie near a given place if there is room, so that what belongs
 * together stays together in memory however often it changes.
 */

/** How far around the place, and how far on from where room was last found, is looked for it: some microseconds each. */
const NEAR_UNITS = 1_024
const FAR_UNITS = 4_096
const WORD_BITS = 32
const GROWTH = 1.5

export class Extents {
  readonly #segment: number
  readonly #grow: (units: number) => void
  /** A bit for each unit: whether it is taken. */
  #taken = new Int32Array(WORD_BITS)
  #top = 0
  /** Where looking far goes on. */
  #far = 0
  /** Runs shall lie near this unit; at the end of the pool while it is negative. */
  near = -1

  /** `grow` is called before the pool is used up to `units`. No run crosses a multiple of `segment`. */
  constructor(grow: (units: number) => void, segment = Number.MAX_SAFE_INTEGER) {
    this.#segment = segment
    this.#grow = grow
  }

  /** How far the pool has ever been used. */
  get top(): number {
    return this.#top
  }

  get bytes(): number {
    return this.#taken.byteLength
  }

  take(units: number): number {
    let start = -1
    if (this.near >= 0) start = this.#find(Math.max(0, this.near - NEAR_UNITS), this.near + NEAR_UNITS, units)
    if (start < 0 && this.near >= 0) start = this.#findFar(units)
    if (start < 0) start = this.#append(units)
    for (let unit = start; unit < start + units; unit++) this.#taken[unit >>> 5] = (this.#taken[unit >>> 5] as number) | (1 << (unit & 31))
    return start
  }

  give(start: number, units: number): void {
    for (let unit = start; unit < start + units; unit++) this.#taken[unit >>> 5] = (this.#taken[unit >>> 5] as number) & ~(1 << (unit & 31))
  }

  /** Leaves so many units free for what will want to lie here. */
  leaveRoom(units: number): void {
    this.#top += units
    this.#reserve()
  }

  #append(units: number): number {
    const room = this.#segment - (this.#top % this.#segment)
    if (room < units) this.#top += room
    const start = this.#top
    this.#top += units
    this.#reserve()
    return start
  }

  #reserve(): void {
    this.#grow(this.#top)
    if (this.#top <= this.#taken.length * WORD_BITS) return
    const larger = new Int32Array(Math.ceil((this.#top / WORD_BITS) * GROWTH))
    larger.set(this.#taken)
    this.#taken = larger
  }

  #findFar(units: number): number {
    if (this.#far >= this.#top) this.#far = 0
    const end = this.#far + FAR_UNITS
    const start = this.#find(this.#far, end, units)
    this.#far = start < 0 ? end : start
    return start
  }

  /** The first free run of so many units, or −1. */
  #find(from: number, to: number, units: number): number {
    const end = Math.min(to, this.#top)
    let run = 0
    for (let unit = from; unit < end; unit++) {
      const word = this.#taken[unit >>> 5] as number
      if (unit % this.#segment === 0) run = 0
      run = (word & (1 << (unit & 31))) === 0 ? run + 1 : 0
      if (run === units) return unit - units + 1
    }
    return -1
  }
}
