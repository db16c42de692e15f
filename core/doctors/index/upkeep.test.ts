import { expect, test } from "bun:test"
import fc from "fast-check"
import { doctorAt, placeNear } from "../search/test-world.ts"
import { contentOf } from "./content.ts"
import { Forest } from "./forest.ts"
import type { IndexedDoctor } from "./listed-doctor.ts"
import { Records } from "./records.ts"
import { meanStride } from "./stride.ts"
import { indexed } from "./test-oracle.ts"
import { Upkeep } from "./upkeep.ts"

const DOCTORS = 20_000
/** A chunk is emptied at once, or some thousand blocks are laid by place. */
const MOVED_BYTES_MAX = 2 << 20
const CITY = { latitude: 48.2, longitude: 16.37 }

function loaded(doctors: readonly IndexedDoctor[]) {
  const records = new Records(doctors.length)
  const forest = new Forest(records, doctors.length)
  for (const doctor of doctors) {
    records.insert(contentOf(doctor))
    forest.load(doctor.clinicLatitude, doctor.clinicLongitude, 0)
  }
  for (const _ of forest.build());
  records.strays = 0
  return { records, forest, upkeep: new Upkeep(records, forest.nodes, forest.everyone) }
}

const doctors = fc.sample(doctorAt(placeNear(CITY, 40)), { numRuns: DOCTORS, seed: 1 }).map((doctor) => indexed(doctor))

/** Everyone gets a longer text and so another block, many another place. */
function unsettle({ records, forest }: ReturnType<typeof loaded>): void {
  for (const [slot, doctor] of doctors.entries()) {
    const other = doctors[(slot * 7_919) % doctors.length] as IndexedDoctor
    const moved = slot % 3 ? doctor : { ...doctor, clinicLatitude: other.clinicLatitude, clinicLongitude: other.clinicLongitude }
    forest.remove(slot)
    records.replace(slot, contentOf({ ...moved, services: [...doctor.services, "x".repeat(1 + (slot % 40))], version: 2 }))
    forest.insert(slot)
  }
}

test("upkeep ends, and leaves little waste", () => {
  const index = loaded(doctors)
  expect(index.upkeep.step()).toBe(false)
  unsettle(index)
  let steps = 0
  while (index.upkeep.step()) steps++
  expect(steps).toBeGreaterThan(10)
  const { liveBytes, chunkBytes } = index.records.arena
  expect(chunkBytes).toBeLessThan(liveBytes * 1.1 + (5 << 20))
  expect(index.upkeep.step()).toBe(false)
})

test("upkeep lays doctors by place: neighbours in the tree are neighbours in memory", () => {
  const index = loaded(doctors)
  const stride = () => meanStride(index.forest.nodes, index.forest.everyone, index.records)
  const strewn = stride()
  unsettle(index)
  for (let i = 0; i < 3; i++) {
    index.records.strays = DOCTORS
    while (index.upkeep.step());
  }
  expect(stride()).toBeLessThan(strewn / 100)
})

test("no step of upkeep moves more than a bounded number of bytes", () => {
  const index = loaded(doctors)
  unsettle(index)
  for (let more = true; more; ) {
    const before = Int32Array.from(index.records.address)
    more = index.upkeep.step()
    const moved = before.reduce(
      (sum, address, slot) => sum + (address === index.records.address[slot] ? 0 : index.records.json(slot).length),
      0,
    )
    expect(moved).toBeLessThan(MOVED_BYTES_MAX)
  }
})
