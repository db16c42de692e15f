/** Doctors who change where they are, what they take, what they are and whether they are there at all; some hands at once, until told to stop. */
import { between, chance, fraction, pick, type Random } from "../demo/random.ts"
import type { Calls } from "./calls.ts"
import { type Member, REGION, SPECIALIZATIONS } from "./people.ts"

const HANDS = 2
const PAUSE_MAX_MS = 300
const FEE_MAX = 300
/** How far they go, in degrees: one search reaches it all. */
const REACH_DEGREES = 1.5

export class Roaming {
  constructor(
    private readonly calls: Calls,
    private readonly roamers: Member[],
    private readonly random: Random,
  ) {}

  async run(): Promise<void> {
    await Promise.all(
      Array.from({ length: HANDS }, async () => {
        while (!this.calls.stopped) {
          await this.calls.make(pick(this.random, this.roamers), { method: "PATCH", path: "/doctors/me", body: this.#change() })
          await Bun.sleep(between(this.random, 0, PAUSE_MAX_MS))
        }
      }),
    )
  }

  #change(): Record<string, unknown> {
    if (chance(this.random, 0.4)) return placeIn(this.random)
    if (chance(this.random, 0.4)) return { active: chance(this.random, 0.5) }
    return chance(this.random, 0.5)
      ? { consultationFee: between(this.random, 0, FEE_MAX) }
      : { specialization: pick(this.random, SPECIALIZATIONS) }
  }
}

/** Somewhere in the region. */
export function placeIn(random: Random): { clinicLatitude: number; clinicLongitude: number } {
  const offset = () => (2 * fraction(random) - 1) * REACH_DEGREES
  return { clinicLatitude: REGION.latitude + offset(), clinicLongitude: REGION.longitude + offset() }
}
