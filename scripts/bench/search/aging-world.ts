/**
 * Doctors who change, outside of JavaScript's heap: objects by the million would make each collection of garbage hold the process for
 * longer than anything that is measured.
 */
import type { IndexedDoctor } from "../../../core/doctors/index/doctor-index.ts"
import { between, chance, fraction, type Random } from "../../demo/random.ts"

/**
 * Of the updates, each of those that are left by the ones before: ends (until the next update), moves to another city, moves within the city,
 * other specializations, services, names of the clinic. The rest change fee and name.
 */
const SHARE = { end: 0.05, emigrate: 0.05, move: 0.3, specialize: 0.1, equip: 0.1, renameClinic: 0.1 }
const MOVE_DEGREES = 0.05

export class AgingWorld {
  readonly size: number
  /** As they were at first: JSON, one behind the other. */
  readonly #rows: Buffer
  readonly #ends: Float64Array
  readonly #versions: Int32Array
  /** The version that a name ends with; 0 of a name that never changed. */
  readonly #names: Int32Array
  readonly #clinicNames: Int32Array
  readonly #fees: Float64Array
  readonly #latitudes: Float64Array
  readonly #longitudes: Float64Array
  /** In whose first city a doctor is. */
  readonly #cities: Int32Array
  /** Whose first specialization and services a doctor has. */
  readonly #specializations: Int32Array
  readonly #services: Int32Array
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
    this.#clinicNames = new Int32Array(this.size)
    this.#cities = Int32Array.from(doctors, (_, nth) => nth)
    this.#specializations = this.#cities.slice()
    this.#services = this.#cities.slice()
    this.#gone = new Uint8Array(this.size)
  }

  isGone(nth: number): boolean {
    return this.#gone[nth] === 1
  }

  /** A doctor as they are now. */
  at(nth: number): IndexedDoctor {
    const doctor = this.#firstOf(nth)
    const firstOf = (column: Int32Array) => (column[nth] === nth ? doctor : this.#firstOf(column[nth] as number))
    return {
      ...doctor,
      version: this.#versions[nth] as number,
      name: renamed(doctor.name, this.#names[nth] as number),
      specialization: firstOf(this.#specializations).specialization,
      services: firstOf(this.#services).services,
      consultationFee: this.#fees[nth] as number,
      clinicName: renamed(doctor.clinicName, this.#clinicNames[nth] as number),
      city: firstOf(this.#cities).city,
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
    const other = () => between(random, 0, this.size - 1)
    if (!wasGone && chance(random, SHARE.end)) this.#gone[nth] = 1
    else if (chance(random, SHARE.emigrate)) this.#move(random, nth, other())
    else if (chance(random, SHARE.move)) this.#move(random, nth, nth)
    else if (chance(random, SHARE.specialize)) this.#specializations[nth] = other()
    else if (chance(random, SHARE.equip)) this.#services[nth] = other()
    else if (chance(random, SHARE.renameClinic)) this.#clinicNames[nth] = version
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

const renamed = (name: string, version: number) => (version === 0 ? name : `${name} (${version})`)
