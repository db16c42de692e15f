/** The part of the globe that is searched, in chords of the unit sphere: they order as great-circle distances do. */
import { haversineKm } from "../search/haversine.ts"
import { CHORD_MAX, CHORD_SLACK, chordOf, SQUARE_TOLERANCE, unitVector } from "./exact.ts"
import { LATITUDE, LONGITUDE } from "./record-layout.ts"
import type { Records } from "./records.ts"

/** In degrees and km. */
export type Circle = { latitude: number; longitude: number; radius: number }

export class Disk {
  readonly #records: Records
  readonly #centre = new Float64Array(3)
  #circle: Circle = { latitude: 0, longitude: 0, radius: 0 }
  /** The centre. */
  x = 0
  y = 0
  z = 0
  /** No node farther away has anybody inside; whoever is below a node that is no farther away is inside. */
  outside = 0
  inside = 0
  /** Squares beyond the outer are outside, below the inner inside, between them haversineKm decides. */
  outer = 0
  inner = 0

  constructor(records: Records) {
    this.#records = records
  }

  set(circle: Circle): void {
    const rim = chordOf(circle.radius)
    if (rim > CHORD_MAX) throw new RangeError(`no search reaches ${circle.radius} km`)
    this.#circle = circle
    this.outside = rim + CHORD_SLACK
    this.inside = rim - CHORD_SLACK
    this.outer = rim * rim + SQUARE_TOLERANCE
    this.inner = rim * rim - SQUARE_TOLERANCE
    unitVector(circle.latitude, circle.longitude, this.#centre, 0)
    this.x = this.#centre[0] as number
    this.y = this.#centre[1] as number
    this.z = this.#centre[2] as number
  }

  /** Of one on the rim. */
  has(slot: number): boolean {
    const { latitude, longitude, radius } = this.#circle
    return haversineKm(latitude, longitude, this.#records.real(slot, LATITUDE), this.#records.real(slot, LONGITUDE)) <= radius
  }
}
