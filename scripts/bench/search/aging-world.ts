/**
 * Doctors who change, outside of JavaScript's heap: objects by the million would make each collection of garbage hold the process for
 * longer than anything that is measured.
 */
import type { IndexedDoctor } from "../../../core/doctors/index/doctor-index.ts"
import { between, chance, fraction, type Random } from "../../demo/random.ts"

/** Of the updates: moves within the city, moves to another, ends (until the next update); the rest change fee or name. */
const SHARE = { move: 0.3, emigrate: 0.05, end: 0.05 }
const MOVE_DEGREES = 0.05

export class AgingWorld {
  readonly size: number
  /** As they were at first: JSON, one behind the other. */
  readonly #rows: Buffer
  readonly #ends: Float64Array
  readonly #versions: Int32Array
  /** The version that a name ends with; 0 of a name that never changed. */
  readonly #names: Int32Array
  readonly #fees: Float64Array
  readonly #latitudes: Float64Array
  readonly #longitudes: Float64Array
  /** In whose first city a doctor is. */
  readonly #cities: Int32Array
  readonly #gone: Uint8Array

  constructor(doctors: readonly IndexedDoctor[]) {
    this.size = doctors.length
    const rows = doctors.map((doctor) => Buffer.from(JSON.stringify(doctor)))
    this.#rows = Buffer.concat(rows)
    let end = 0
    this.#ends = Float64Array.from(rows, (row) => (end += row.length))
    this.#versions = Int32Array.from(doctors, (d) => d.version)
    this.#names = new Int32Array(this.size)
    this.#fees = Float64Array.from(doctors, (d) => d.consultationFee)
    this.#latitudes = Float64Array.from(doctors, (d) => d.clinicLatitude)
    this.#longitudes = Float64Array.from(doctors, (d) => d.clinicLongitude)
    this.#cities = Int32Array.from(doctors, (_, nth) => nth)
    this.#gone = new Uint8Array(this.size)
  }

  isGone(nth: number): boolean {
    return this.#gone[nth] === 1
  }

  /** A doctor as they are now. */
  at(nth: number): IndexedDoctor {
    const doctor = this.#firstOf(nth)
    const [named, city] = [this.#names[nth] as number, this.#cities[nth] as number]
    return {
      ...doctor,
      version: this.#versions[nth] as number,
      name: named === 0 ? doctor.name : `${doctor.name} (${named})`,
      consultationFee: this.#fees[nth] as number,
      city: city === nth ? doctor.city : this.#firstOf(city).city,
      clinicLatitude: this.#latitudes[nth] as number,
      clinicLongitude: this.#longitudes[nth] as number,
    }
  }

  *active(): Generator<IndexedDoctor, void> {
    for (let nth = 0; nth < this.size; nth++) if (!this.isGone(nth)) yield this.at(nth)
  }

  change(random: Random, nth: number): void {
    const version = (this.#versions[nth] as number) + 1
    this.#versions[nth] = version
    const wasGone = this.isGone(nth)
    this.#gone[nth] = 0
    if (!wasGone && chance(random, SHARE.end)) this.#gone[nth] = 1
    else if (chance(random, SHARE.emigrate)) this.#move(random, nth, between(random, 0, this.size - 1))
    else if (chance(random, SHARE.move)) this.#move(random, nth, nth)
    else {
      this.#fees[nth] = between(random, 20, 400)
      this.#names[nth] = version
    }
  }

  #move(random: Random, nth: number, to: number): void {
    const near = (degrees: number, limit: number) => Math.max(-limit, Math.min(limit, degrees + (2 * fraction(random) - 1) * MOVE_DEGREES))
    this.#cities[nth] = this.#cities[to] as number
    this.#latitudes[nth] = near(this.#latitudes[to] as number, 90)
    this.#longitudes[nth] = near(this.#longitudes[to] as number, 180)
  }

  #firstOf(nth: number): IndexedDoctor {
    return JSON.parse(this.#rows.toString("utf8", nth === 0 ? 0 : this.#ends[nth - 1], this.#ends[nth]))
  }
}
