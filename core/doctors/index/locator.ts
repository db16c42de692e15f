import { unitVector } from "./exact.ts"
import { PLACE_REALS } from "./page-layout.ts"
import { LATITUDE, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

/** Finds doctors' places on the unit sphere. Colleagues often come one after the other: their place is computed once. */
export class Locator {
  readonly #records: Records
  /** The place of the doctor who was last located. */
  readonly vector = new Float64Array(PLACE_REALS)
  #latitude = Number.NaN
  #longitude = Number.NaN

  constructor(records: Records) {
    this.#records = records
  }

  locate(slot: number): void {
    const latitude = this.#records.real(slot, LATITUDE)
    const longitude = this.#records.real(slot, LONGITUDE)
    if (latitude === this.#latitude && longitude === this.#longitude) return
    this.#latitude = latitude
    this.#longitude = longitude
    unitVector(latitude, longitude, this.vector, 0)
  }

  /** Whether a doctor, whose vector is the one at the place in a column, is where the located one is: equal degrees, not only equal vectors. */
  isHere(reals: Float64Array, at: number, slot: number): boolean {
    const { vector } = this
    return (
      reals[at] === vector[0] &&
      reals[at + 1] === vector[1] &&
      reals[at + 2] === vector[2] &&
      this.#records.real(slot, LATITUDE) === this.#latitude &&
      this.#records.real(slot, LONGITUDE) === this.#longitude
    )
  }
}
