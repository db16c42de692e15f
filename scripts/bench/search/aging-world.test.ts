import { expect, test } from "bun:test"
import type { IndexedDoctor } from "../../../core/doctors/index/doctor-index.ts"
import { between, randomOf } from "../../demo/random.ts"
import { AgingWorld } from "./aging-world.ts"
import { worldOf } from "./index-world.ts"
import { age } from "./live-aging.ts"

/** Eighty thousand searches are compared. */
const TIMEOUT_MS = 120_000
const doctors = worldOf(500)

/** What differs, but for the version, of one doctor before and after. */
function changed(before: IndexedDoctor, after: IndexedDoctor): string {
  const fields = Object.keys(before) as (keyof IndexedDoctor)[]
  return fields.filter((field) => field !== "version" && JSON.stringify(before[field]) !== JSON.stringify(after[field])).join(" ")
}

test("nobody has changed at first", () => {
  const world = new AgingWorld(doctors)
  expect(Array.from(world.active())).toEqual(doctors)
})

test("doctors come to have other names, fees, specializations, services, clinics' names, places and cities, and go and come back", () => {
  const world = new AgingWorld(doctors)
  const random = randomOf(1, "doctors")
  const kinds = new Map<string, number>()
  const count = (kind: string) => kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  for (let n = 0; n < 20_000; n++) {
    const nth = between(random, 0, world.size - 1)
    const [before, wasGone] = [world.at(nth), world.isGone(nth)]
    world.change(random, nth)
    const after = world.at(nth)
    expect(after.version).toBe(before.version + 1)
    count(world.isGone(nth) ? "gone" : changed(before, after))
    if (wasGone) {
      expect(world.isGone(nth)).toBe(false)
      count("back")
    }
  }
  const often = ["name consultationFee", "specialization", "services", "clinicName", "clinicLatitude clinicLongitude", "gone", "back"]
  for (const kind of [...often, "city clinicLatitude clinicLongitude"]) expect([kind, (kinds.get(kind) ?? 0) > 300]).toEqual([kind, true])
})

test(
  "an index that follows them holds what a fresh one does, and every figure of its aging is there",
  async () => {
    const { searchRatios, sameChecksum, holdMs, memoryRatio, updatesPerSecond } = await age(2_000, 4_000)
    expect(sameChecksum).toBe(true)
    expect([searchRatios.atOnce.length, searchRatios.tidied.length]).toEqual([9, 9])
    expect([holdMs.searches.length, holdMs.changes.length >= 80, holdMs.upkeep.length >= 80]).toEqual([80, true, true])
    for (const figure of [memoryRatio, updatesPerSecond, ...searchRatios.atOnce, ...searchRatios.tidied]) expect(figure).toBeGreaterThan(0)
  },
  TIMEOUT_MS,
)
