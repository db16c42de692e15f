/** Runs of consecutive units in a growing pool, with lists of what is free by length. */
export class Extents {
  readonly #free: number[][]
  readonly #segment: number
  readonly #grow: (units: number) => void
  #top = 0

  /**
   * Runs are of 1 to `longest` units. `grow` is called before the pool is used up to `units`. No run crosses a multiple of
   * `segment`.
   */
  constructor(longest: number, grow: (units: number) => void, segment = Number.MAX_SAFE_INTEGER) {
    this.#free = Array.from({ length: longest + 1 }, () => [])
    this.#segment = segment
    this.#grow = grow
  }

  /** How far the pool has ever been used. */
  get top(): number {
    return this.#top
  }

  take(units: number): number {
    for (let length = units; length < this.#free.length; length++) {
      const start = this.#free[length]?.pop()
      if (start === undefined) continue
      if (length > units) this.give(start + units, length - units)
      return start
    }
    const room = this.#segment - (this.#top % this.#segment)
    if (room < units) this.#giveRest(room)
    const start = this.#top
    this.#top += units
    this.#grow(this.#top)
    return start
  }

  give(start: number, units: number): void {
    this.#free[units]?.push(start)
  }

  #giveRest(room: number): void {
    this.give(this.#top, room)
    this.#top += room
  }
}
