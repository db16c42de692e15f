/** A doctor who is looked at: changed in one way after the other, and found where they then are and nowhere else. */

const KINDS = ["name", "move", "leave", "return"] as const
export type ProbeKind = (typeof KINDS)[number]
export type ProbePlace = { latitude: number; longitude: number }

/** Between the two places: farther than searches look. */
const APART_DEGREES = 0.5
const RADIUS_KM = 1

export class Probe {
  /** Where they are at first, and where they go. */
  readonly places: readonly [ProbePlace, ProbePlace]
  #changes = 0
  #name = ""
  #place = 0
  #isActive = true

  constructor(
    readonly id: string,
    { latitude, longitude }: ProbePlace,
  ) {
    const aside = longitude > 0 ? longitude - APART_DEGREES : longitude + APART_DEGREES
    this.places = [
      { latitude, longitude },
      { latitude, longitude: aside },
    ]
  }

  /** Of the last change. */
  get kind(): ProbeKind {
    return KINDS[(this.#changes - 1) % KINDS.length] as ProbeKind
  }

  /** The next change, as the profile's PATCH takes it. What is to be found is what is after it. */
  next(): { kind: ProbeKind; body: object } {
    this.#changes++
    return { kind: this.kind, body: this.#change(this.kind) }
  }

  #change(kind: ProbeKind): object {
    if (kind === "name") {
      this.#name = `Probe number ${this.#changes} of the bench`
      return { name: this.#name }
    }
    if (kind === "move") {
      this.#place = 1 - this.#place
      const { latitude, longitude } = this.places[this.#place] as ProbePlace
      return { clinicLatitude: latitude, clinicLongitude: longitude }
    }
    this.#isActive = kind === "return"
    return { active: this.#isActive }
  }

  isAt(place: number): boolean {
    return this.#isActive && place === this.#place
  }

  /** By name, at either place. */
  searches(): URLSearchParams[] {
    return this.places.map(
      ({ latitude, longitude }) =>
        new URLSearchParams({ latitude: String(latitude), longitude: String(longitude), radius: String(RADIUS_KM), name: this.#name }),
    )
  }
}
