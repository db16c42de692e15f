/** What very many changes do to an index: its searches and its memory, beside one that is built afresh of the same doctors. */
import { DoctorIndex, type IndexedDoctor } from "../../../core/doctors/index/doctor-index.ts"
import { Slices } from "../../../core/doctors/index/load-slices.ts"
import { between, chance, fraction, pick, type Random, randomOf } from "../../demo/random.ts"
import { median } from "../environment.ts"
import { queriesOf, worldOf } from "./index-world.ts"

/** As the service does its upkeep. */
const UPKEEP_MS = 2
const UPDATES_BETWEEN_UPKEEPS = 50
const SEED = 2
const QUERIES = 2_000
const ROUNDS = 9
/** Of the updates: moves within the city, moves to another, ends (until the next update); the rest change fee or name. */
const SHARE = { move: 0.3, emigrate: 0.05, end: 0.05 }
const MOVE_DEGREES = 0.05

export type Aging = {
  /** Each round's time of all queries, old ÷ fresh. */
  searchRatios: number[]
  memoryRatio: number
  /** The longest piece of work between two turns of the event loop, ms: of taking in changes, and of upkeep. */
  longestMs: { updates: number; upkeep: number }
  updatesPerSecond: number
  sameChecksum: boolean
}

export async function age(doctors: number, updates: number): Promise<Aging> {
  const world = worldOf(doctors)
  const old = build(world)
  const started = performance.now()
  const longestMs = await changeAll(old, world, updates)
  const updatesPerSecond = (updates / (performance.now() - started)) * 1000
  const fresh = build(world.filter((d) => !gone.has(d.id)))
  const queries = queriesOf(world, QUERIES)
  const time = (index: DoctorIndex) => {
    const from = performance.now()
    for (const query of queries) index.search(query)
    return performance.now() - from
  }
  const searchRatios: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const [a, b] = round % 2 ? [time(old), time(fresh)] : [time(fresh), time(old)].reverse()
    // The first round warms both up.
    if (round > 0) searchRatios.push((a as number) / (b as number))
  }
  const sameChecksum = old.checksum() === fresh.checksum() && old.size === fresh.size
  return { searchRatios, memoryRatio: old.bytes / fresh.bytes, longestMs, updatesPerSecond, sameChecksum }
}

/** Doctors that are inactive now. */
const gone = new Set<string>()

function build(doctors: readonly IndexedDoctor[]): DoctorIndex {
  const index = new DoctorIndex({ expected: doctors.length })
  for (const doctor of doctors) index.add(doctor)
  for (const _ of index.finish());
  return index
}

async function changeAll(index: DoctorIndex, world: IndexedDoctor[], updates: number) {
  const random = randomOf(SEED, "appointments")
  const longest = { updates: 0, upkeep: 0 }
  const slices = new Slices()
  let [since, processor] = [performance.now(), process.cpuUsage()]
  const turn = async (kind: keyof typeof longest) => {
    const { user, system } = process.cpuUsage(processor)
    // Time in which the machine ran others is not ours.
    longest[kind] = Math.max(longest[kind], Math.min(performance.now() - since, (user + system) / 1000))
    await slices.next()
    since = performance.now()
    processor = process.cpuUsage()
  }
  for (let n = 1; n <= updates; n++) {
    const at = between(random, 0, world.length - 1)
    const doctor = changed(random, world[at] as IndexedDoctor, world)
    world[at] = doctor
    if (gone.has(doctor.id)) index.remove(doctor.id, doctor.version)
    else index.upsert(doctor)
    if (slices.isOver) await turn("updates")
    if (n % UPDATES_BETWEEN_UPKEEPS === 0) {
      index.maintain(UPKEEP_MS)
      await turn("upkeep")
    }
  }
  while (index.maintain(UPKEEP_MS)) await turn("upkeep")
  return longest
}

function changed(random: Random, doctor: IndexedDoctor, world: readonly IndexedDoctor[]): IndexedDoctor {
  const after = { ...doctor, version: doctor.version + 1 }
  const near = (degrees: number, limit: number) => Math.max(-limit, Math.min(limit, degrees + (2 * fraction(random) - 1) * MOVE_DEGREES))
  if (!gone.delete(doctor.id) && chance(random, SHARE.end)) {
    gone.add(doctor.id)
    return after
  }
  const from = chance(random, SHARE.emigrate) ? pick(random, world) : chance(random, SHARE.move) ? doctor : undefined
  if (from) {
    const place = { clinicLatitude: near(from.clinicLatitude, 90), clinicLongitude: near(from.clinicLongitude, 180), city: from.city }
    return { ...after, ...place }
  }
  return { ...after, consultationFee: between(random, 20, 400), name: `${doctor.name.split(" (")[0]} (${after.version})` }
}

export function describeAging({ searchRatios, memoryRatio, longestMs, updatesPerSecond, sameChecksum }: Aging): string[] {
  const ratio = (value: number) => value.toFixed(2)
  return [
    `| search time ÷ fresh build: median (min–max) | ${ratio(median(searchRatios))} (${ratio(Math.min(...searchRatios))}–${ratio(Math.max(...searchRatios))}) |`,
    `| memory ÷ fresh build | ${ratio(memoryRatio)} |`,
    `| longest hold of the event loop, ms: by changes / by upkeep | ${longestMs.updates.toFixed(1)} / ${longestMs.upkeep.toFixed(1)} |`,
    `| changes a second, upkeep included | ${updatesPerSecond.toFixed(0)} |`,
    `| same doctors as the fresh build | ${sameChecksum ? "yes" : "NO"} |`,
  ]
}
