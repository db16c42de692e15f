import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import fc from "fast-check"
import { startClock } from "../../../scripts/bench/processor-wait.ts"
import { type TestDatabase, testDatabase } from "../../../tests/harness/services.ts"
import { openPool } from "../../db.ts"
import { doctorAt, fillWorld, insertClinic, placeNear, type TestDoctor } from "../search/test-world.ts"
import { DoctorIndex, doctorChecksum, type IndexedDoctor } from "./doctor-index.ts"
import { checksumOfTable, loadIndex, TooLarge } from "./load.ts"
import { estimateDoctors, listDoctorsNow } from "./queries.ts"
import { indexed, textOf } from "./test-oracle.ts"
import { type Release, watchReleases } from "./test-releases.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await insertClinic(database.pool)
})
afterAll(() => database[Symbol.asyncDispose]())

/** A load that went on without a break would hold the loop for some hundred. */
const LONGEST_HOLD_MS = 40
/** For an index whose first arrays have another size. */
const ROOM_BYTES = 256 * 1024
const never = new AbortController().signal
const load = (maxBytes = Number.MAX_SAFE_INTEGER) => loadIndex({ pool: database.pool, maxBytes, signal: never })

/** Texts as hostile as the API lets them be. */
const text = fc
  .string({ unit: "binary", minLength: 1, maxLength: 60 })
  .map((s) => s.replaceAll("\0", ""))
  .filter((s) => s.isWellFormed() && s.length > 0)

const doctor: fc.Arbitrary<TestDoctor> = fc
  .record({
    base: doctorAt(placeNear({ latitude: 0, longitude: 180 }, 3_000)),
    name: text,
    clinicName: text,
    city: text,
    fee: fc.integer({ min: 0, max: 1_000_000_000 }).map((n) => n / 1_000),
  })
  .map(({ base, ...texts }) => ({ ...base, ...texts }))

/** Searches that find the doctor, by each filter. */
const queriesFor = (d: IndexedDoctor) => {
  const around = { latitude: d.clinicLatitude, longitude: d.clinicLongitude, radius: 500, page: 1, limit: 50 }
  const { name, clinicName, city, specialization, consultationFee } = d
  const filters = [{ name }, { name: [...name].slice(1).join("") }, { clinicName }, { city }, { specialization }]
  return [...filters, { minFee: consultationFee, maxFee: consultationFee }].map((filter) => ({ ...around, ...filter }))
}

const many = (count: number) => fc.sample(doctorAt(placeNear({ latitude: 10, longitude: 10 }, 50)), { numRuns: count, seed: 7 })

test("whatever a doctor's texts and numbers are, what is loaded is what is read one by one, and what has the table's checksum", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(doctor, { selector: (d) => d.id, maxLength: 80 }), async (doctors) => {
      await fillWorld(database.pool, doctors)
      const { index } = await load()
      const active = doctors.filter((d) => d.active).map((d) => d.id)
      const now = await listDoctorsNow(database.pool, active)
      const sum = now.reduce((sum, { active: _, ...d }) => BigInt.asUintN(64, sum + doctorChecksum(d)), 0n)
      expect([index.size, index.checksum()]).toEqual([active.length, sum])
      expect(await checksumOfTable(database.pool, never)).toBe(sum)
    }),
    { numRuns: 40 },
  )
}, 30_000)

test("what is loaded answers every filter as what was taken in one by one does, whatever the texts are", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(doctor, { selector: (d) => d.id, maxLength: 40 }), async (doctors) => {
      await fillWorld(database.pool, doctors)
      const { index } = await load()
      const now = await listDoctorsNow(
        database.pool,
        doctors.filter((d) => d.active).map((d) => d.id),
      )
      const other = new DoctorIndex()
      for (const { active: _, ...d } of now) other.add(d)
      for (const _ of other.finish());
      for (const d of now)
        for (const q of queriesFor(d)) {
          const answer = textOf(index, q)
          expect(answer).toBe(textOf(other, q))
          expect(answer).toContain(d.id)
        }
    }),
    { numRuns: 30 },
  )
}, 30_000)

test("each field of a doctor, and the version, count in the checksum", async () => {
  await fillWorld(database.pool, [{ ...(many(1)[0] as TestDoctor), active: true }])
  const changes = [
    "name = 'x'",
    "specialization = 'x'",
    "consultation_fee = 1.25",
    "currency = 'USD'",
    "clinic_name = 'x'",
    "clinic_address = 'x'",
  ]
  const more = ["city = 'x'", "clinic_latitude = 1", "clinic_longitude = 1", "services = '{x}'", "version = 9", "active = false"]
  const seen = new Set([await checksumOfTable(database.pool, never)])
  for (const change of [...changes, ...more]) {
    await database.pool.unsafe(`update doctors set ${change}`)
    seen.add(await checksumOfTable(database.pool, never))
  }
  expect(seen.size).toBe(1 + changes.length + more.length)
})

test("what is loaded lies by place, whatever the order of the table: neighbours in the tree are neighbours in memory", async () => {
  // They come in no order, and evenly: of random values those at the ends are the likelier ones unless told.
  const strewn = fc.sample(fc.noBias(doctorAt(placeNear({ latitude: 48, longitude: 16 }, 100))), { numRuns: 20_000, seed: 8 })
  const doctors = strewn.map((d) => ({ ...d, id: Bun.randomUUIDv7(), active: true }))
  await fillWorld(database.pool, doctors)
  const asTheyCame = new DoctorIndex({ expected: doctors.length })
  for (const doctor of doctors) asTheyCame.add(indexed(doctor))
  for (const _ of asTheyCame.finish());
  const { index } = await load()
  expect([index.size, asTheyCame.size]).toEqual([doctors.length, doctors.length])
  expect(index.meanStride()).toBeLessThan(asTheyCame.meanStride() / 50)
}, 30_000)

test("an index that would be larger than it may is refused as soon as it is seen, and the session is free again", async () => {
  await fillWorld(database.pool, many(20_000))
  const pool = openPool(database.url, { max: 1, name: "load" })
  await using closed = new AsyncDisposableStack()
  closed.defer(() => pool.end({ timeout: 1 }))
  const loadHere = (maxBytes: number) => loadIndex({ pool, maxBytes, signal: never })
  const { index } = await loadHere(Number.MAX_SAFE_INTEGER)
  const refusal = await loadHere(index.bytes / 3).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(TooLarge)
  const seen = Number(/for (\d+) doctors/.exec((refusal as Error).message)?.[1])
  expect(seen).toBeLessThan(index.size / 2)
  expect((await loadHere(1.1 * index.bytes)).index.size).toBe(index.size)
}, 30_000)

test("room for doctors who do not come refuses nobody: neither for inactive ones, nor for as many as statistics may say", async () => {
  const [active, inactive] = [many(20_500).slice(0, 500), many(20_500).slice(500)]
  await fillWorld(database.pool, [...active.map((d) => ({ ...d, active: true })), ...inactive.map((d) => ({ ...d, active: false }))])
  const sayThereAre = (rows: number) => database.pool`
    select pg_restore_relation_stats('schemaname', 'public', 'relname', 'searchable_doctors', 'reltuples', ${rows}::float4)`
  await sayThereAre(0)
  const { bytes, size } = (await load()).index
  expect(size).toBe(500)
  await database.pool`analyze doctors, searchable_doctors`
  expect(await estimateDoctors(database.pool)).toBe(500)
  expect((await load(bytes + ROOM_BYTES)).index.size).toBe(500)
  await sayThereAre(3_000_000)
  expect((await load(bytes + ROOM_BYTES)).index.size).toBe(500)
  expect(new DoctorIndex({ expected: 3_000_000 }).bytes).toBeLessThan(new DoctorIndex().bytes + ROOM_BYTES)
}, 30_000)

test("an index that could not be loaded, at whatever point that showed, is given back in steps before anybody hears of it", async () => {
  await fillWorld(database.pool, many(20_000))
  await database.pool`analyze searchable_doctors`
  const { index } = await load()
  using watch = watchReleases()
  // While rows come, while trees are built, and when something fails.
  const refusals = [index.bytes / 3, 0.8 * index.bytes].map((maxBytes) => () => load(maxBytes))
  const broken = async () => {
    using _broken = spyOn(DoctorIndex.prototype, "finish").mockImplementation(() => {
      throw new Error("a bug")
    })
    await load()
  }
  for (const [n, fail] of [...refusals, broken].entries()) {
    expect(await fail().catch((error: unknown) => error)).toBeInstanceOf(Error)
    expect(watch.releases).toHaveLength(n + 1)
    const { bytes, isOver } = watch.releases[n] as Release
    expect(isOver).toBe(true)
    expect(bytes.length).toBeGreaterThan(5)
    expect(bytes.at(-1) as number).toBeLessThan((bytes[0] as number) / 5)
  }
}, 30_000)

test("the event loop is not held while an index loads, and others are served by the same process", async () => {
  await fillWorld(database.pool, many(8_000))
  // The first of all loads is the compiler's as well.
  await load()
  const heldMs: number[] = []
  let passed = startClock()
  const timer = setInterval(() => {
    heldMs.push(passed().ranMs)
    passed = startClock()
  }, 1)
  await load()
  clearInterval(timer)
  heldMs.sort((a, b) => a - b)
  expect(heldMs.length).toBeGreaterThan(5)
  expect(heldMs[Math.floor(heldMs.length / 2)]).toBeLessThan(5)
  // With a collection of garbage; what the machine does meanwhile is not in these times.
  expect(heldMs.at(-1)).toBeLessThan(LONGEST_HOLD_MS)
}, 30_000)
