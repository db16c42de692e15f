import { expect, test } from "bun:test"
import fc from "fast-check"
import { seedDemo } from "../../../scripts/demo/seed.ts"
import { until } from "../../../tests/harness/services.ts"
import { openPool } from "../../db.ts"
import { announce } from "../../events/log.ts"
import { openRedis } from "../../redis.ts"
import { followIndex } from "./follow.ts"
import { loadIndex } from "./load.ts"
import { SlowSearches } from "./slow-searches.ts"
import { DOCTORS_PER_CLINIC, placeOf, quiet, SearchStage, type StageDoctor } from "./test-stage.ts"

/** What a change may take to be seen, by the contract. */
const VISIBLE_WITHIN_MS = 1_000
const TIMEOUT_MS = 60_000

const here = { ...placeOf(0), radius: 0.05 }
const there = { latitude: -33.87, longitude: 151.21, radius: 0.05 }

const idsIn = (json: string): string[] => JSON.parse(json).data.map((d: { id: string }) => d.id)

test("a doctor who moves is found at the new place only, one who is inactive nowhere, and back where they are when active again", async () => {
  await using stage = await SearchStage.open({ doctors: 3 * DOCTORS_PER_CLINIC })
  const service = await stage.ready()
  const doctor = stage.doctors[0] as StageDoctor
  const clinic = stage.doctors.slice(0, DOCTORS_PER_CLINIC).map((d) => d.id)
  expect(idsIn(await stage.expectAnswer(service, here)).sort()).toEqual([...clinic].sort())
  const sees = async (where: object, ids: string[]) =>
    until(
      "it is seen",
      () =>
        stage.expectAnswer(service, where).then(
          (json) => `${idsIn(json).sort()}` === `${[...ids].sort()}`,
          () => false,
        ),
      VISIBLE_WITHIN_MS,
    )
  await stage.change(doctor, { clinicLatitude: there.latitude, clinicLongitude: there.longitude })
  await sees(there, clinic)
  await sees(here, [])
  await stage.change(doctor, { active: false })
  await sees(there, clinic.slice(1))
  await stage.change(doctor, { clinicLatitude: here.latitude, clinicLongitude: here.longitude })
  await sees(here, clinic.slice(1))
  await sees(there, [])
  await stage.change(doctor, { active: true })
  await sees(here, clinic)
  await stage.expectSame(service)
})

test("a clinic's new name reaches all of its doctors, and a newcomer is found", async () => {
  await using stage = await SearchStage.open({ doctors: 4 * DOCTORS_PER_CLINIC })
  const service = await stage.ready()
  const doctor = stage.doctors[DOCTORS_PER_CLINIC] as StageDoctor
  await stage.change(doctor, { clinicName: "Clinic of the Rising Sun" })
  const named = { ...placeOf(1), radius: 500, clinicName: "rising" }
  await until("all have the name", async () =>
    (await stage.expectAnswer(service, named).catch(() => "")).includes(`"total":${DOCTORS_PER_CLINIC}`),
  )
  await stage.onboard("newcomer", there)
  await until("the newcomer is found", async () => (await stage.expectAnswer(service, there).catch(() => "")).includes('"total":1'))
  await stage.expectSame(service)
})

test("an event that is old, told again or late takes nothing back, and a row that is gone is found no more", async () => {
  await using stage = await SearchStage.open({ doctors: 10 })
  const service = await stage.ready()
  const [first, second] = stage.doctors as [StageDoctor, StageDoctor]
  await stage.change(first, { active: false })
  await stage.change(second, { consultationFee: 7 })
  for (const { id } of [first, second])
    for (const version of [1, 2, 1])
      await announce(stage.pool, { name: "doctor:changed", data: { doctorId: id, version }, about: { doctorId: id } })
  await stage.expectSame(service)
  await stage.pool`delete from doctors where id = ${second.id}`
  await announce(stage.pool, { name: "doctor:changed", data: { doctorId: second.id, version: 2 }, about: { doctorId: second.id } })
  await stage.expectSame(service)
  expect(service.doctors).toBe(8)
})

test("a row that is put back as it was, after it was gone, is found again", async () => {
  await using stage = await SearchStage.open({ doctors: 10 })
  const service = await stage.ready()
  const [{ id }] = stage.doctors as [StageDoctor]
  const tell = () => announce(stage.pool, { name: "doctor:changed", data: { doctorId: id, version: 1 }, about: { doctorId: id } })
  await stage.pool`create table kept as select * from doctors where id = ${id}`
  await stage.pool`delete from doctors where id = ${id}`
  await tell()
  await stage.expectSame(service)
  expect(service.doctors).toBe(9)
  await stage.pool`insert into doctors select * from kept`
  await tell()
  await stage.expectSame(service)
  expect(service.doctors).toBe(10)
})

test("a demo that is loaded while processes run is found by their searches", async () => {
  await using stage = await SearchStage.open({ doctors: 0 })
  const service = await stage.ready()
  expect(service.doctors).toBe(0)
  await seedDemo(stage.pool, { doctors: 500 })
  await stage.expectSame(service)
  expect(service.doctors).toBe(500)
})

test("nothing of an index changes while a slow search goes on, and all of it afterwards", async () => {
  await using stage = await SearchStage.open({ doctors: 10 })
  await using opened = new AsyncDisposableStack()
  const [pool, redis] = [
    openPool(stage.log.database.url, { max: 1, name: "follow" }),
    openRedis(stage.log.server.config, { name: "follow", blocking: true }),
  ]
  const stop = new AbortController()
  const { index, log: from } = await loadIndex({ pool, maxBytes: Number.MAX_SAFE_INTEGER, signal: stop.signal })
  const slowSearches = new SlowSearches()
  let read = from.head
  const onRead = (offset: number) => {
    read = offset
  }
  const following = followIndex({ index, pool, redis, log: quiet, from, signal: stop.signal, slowSearches, onRead })
  opened.defer(async () => {
    stop.abort()
    redis.disconnect()
    await following
    await pool.end({ timeout: 0 })
  })
  const query = { ...placeOf(0), radius: 1, page: 1, limit: 20 }
  let isOver = false
  const endless = {
    *searchSlowly() {
      while (!isOver) yield
      return index.search(query).slice()
    },
  }
  const searching = slowSearches.search(() => endless, query)
  const before = index.checksum()
  await stage.change(stage.doctors[0] as StageDoctor, { consultationFee: 77 })
  // By then a follower would have taken it in.
  await Bun.sleep(300)
  expect([index.checksum(), read]).toEqual([before, from.head])
  isOver = true
  expect(new TextDecoder().decode(await searching)).not.toContain('"consultationFee":77')
  await until("it is taken in", () => read > from.head, VISIBLE_WITHIN_MS)
  expect(index.checksum()).toBe(await stage.checksum())
})

/** What a doctor may do, on some connection, whoever else does so at the same time. */
const edit = fc.record({
  doctor: fc.nat(),
  change: fc.oneof(
    { weight: 3, arbitrary: fc.record({ consultationFee: fc.integer({ min: 0, max: 500 }) }) },
    { weight: 2, arbitrary: fc.record({ active: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ name: fc.constantFrom('Ada "Countess" Lovelace', "Bo\\Backslash", "Çelik\nNewline", "𝔸stral") }) },
    { weight: 1, arbitrary: fc.record({ clinicName: fc.constantFrom("Alpha", "Beta"), city: fc.constantFrom("Graz", "Linz") }) },
    {
      weight: 2,
      arbitrary: fc
        .integer({ min: 0, max: 300 })
        .map((n) => ({ clinicLatitude: placeOf(n).latitude, clinicLongitude: placeOf(n).longitude })),
    },
  ),
})

const CONNECTIONS = 6

test(
  "whatever is changed on many connections while indexes load and follow, each comes to be the table, as a fresh one is",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 300, maxLength: 400, size: "max" }), async (edits) => {
        await using stage = await SearchStage.open({ doctors: 3_000 })
        const early = stage.start()
        let services = [early]
        let next = 0
        const connection = async () => {
          for (let edit = edits[next++]; edit; edit = edits[next++]) {
            if (next === 100) services = [...services, stage.start()]
            await stage.change(stage.doctors[edit.doctor % 200] as StageDoctor, edit.change)
          }
        }
        await Promise.all(Array.from({ length: CONNECTIONS }, connection))
        await stage.expectSame(...services)
        for (const service of services) await stage.expectAnswer(service, { ...placeOf(20), radius: 500, limit: 100 })
      }),
      { numRuns: 4, endOnFailure: true },
    )
  },
  TIMEOUT_MS,
)
