import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestDatabase, testDatabase } from "../../tests/harness/services.ts"
import { openPool } from "../db.ts"
import { insertRollupsDue } from "../work/queries.ts"
import { readAnalytics } from "./read.ts"
import { recomputeRollups, verifyRollups } from "./recompute.ts"
import { Period } from "./schema.ts"
import { onDemand, Practice } from "./test-practice.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const NOW = new Date("2026-06-15T12:00:00Z")
const at = (text: string) => new Date(`${text}Z`)

type Announced = { name: string; rooms: string[]; data: { date: string; computedAt: string } }
const updatesOf = (practice: Practice) =>
  database.pool<Announced[]>`
    select name, rooms, data from events where subject = ${`analytics:${practice.doctorId}`} order by seq`

async function expectTrue(practice: Practice, now = NOW): Promise<void> {
  for (const period of Period.options) {
    const { computedAt, ...figures } = await readAnalytics(database.pool, practice.doctorId, period, now.getTime())
    expect(figures).toEqual(await onDemand(database.pool, practice.doctorId, period, now))
  }
}

test("a doctor without any history has zeros for every day of every period, and every month of a year", async () => {
  const practice = await Practice.open(database.pool, "America/New_York", "USD")
  for (const [period, points] of [
    ["day", 1],
    ["week", 7],
    ["month", 30],
    ["3months", 90],
    ["year", 12],
  ] as const) {
    const answer = await readAnalytics(database.pool, practice.doctorId, period, NOW.getTime())
    expect([answer.revenueTrend.length, answer.appointmentTrend.length, answer.patientGrowth.length]).toEqual([points, points, points])
    expect(answer.summary).toEqual({
      appointments: 0,
      completed: 0,
      cancelled: 0,
      noShow: 0,
      revenue: 0,
      currency: "USD",
      cancellationRate: 0,
      newPatients: 0,
    })
    expect(answer.to).toBe("2026-06-15")
  }
  const year = await readAnalytics(database.pool, practice.doctorId, "year", NOW.getTime())
  expect([year.from, year.revenueTrend[0]?.date, year.revenueTrend[11]?.date]).toEqual(["2025-07-01", "2025-07-01", "2026-06-01"])
})

test("an instant is counted on its day in the doctor's zone", async () => {
  const practice = await Practice.open(database.pool, "America/New_York", "USD")
  await practice.book(0, at("2026-06-15T03:59:00"), "COMPLETED")
  await practice.book(1, at("2026-06-15T04:04:00"), "COMPLETED")
  await practice.process()
  const { appointmentTrend } = await readAnalytics(database.pool, practice.doctorId, "week", NOW.getTime())
  expect(appointmentTrend.slice(-2)).toEqual([
    { date: "2026-06-14", booked: 1, completed: 1, cancelled: 0 },
    { date: "2026-06-15", booked: 1, completed: 1, cancelled: 0 },
  ])
})

test("revenue is what was paid less what was refunded, each on its own day, exact where doubles are not", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  for (let n = 0; n < 30; n++) await practice.pay(0, 10, at("2026-06-14T10:00:00"))
  await practice.pay(0, 20, at("2026-06-14T10:00:00"))
  await practice.refund(30, at("2026-06-15T10:00:00"))
  await practice.process()
  const { revenueTrend, summary } = await readAnalytics(database.pool, practice.doctorId, "week", NOW.getTime())
  expect(revenueTrend.slice(-2)).toEqual([
    { date: "2026-06-14", revenue: 3.2 },
    { date: "2026-06-15", revenue: -0.2 },
  ])
  expect(summary.revenue).toBe(3)
})

test("a change of zone or currency alone makes every day anew, and the answer is of one zone", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  await practice.book(0, at("2026-06-14T23:30:00"), "COMPLETED")
  await practice.pay(0, 100, at("2026-06-14T23:30:00"))
  await practice.process()
  await practice.setDoctor("timezone", "Asia/Tokyo")
  expect((await readAnalytics(database.pool, practice.doctorId, "day", NOW.getTime())).timezone).toBe("UTC")
  await practice.process()
  await expectTrue(practice)
  expect((await readAnalytics(database.pool, practice.doctorId, "day", NOW.getTime())).summary.appointments).toBe(1)
  await practice.setDoctor("currency", "JPY")
  await practice.process()
  await expectTrue(practice)
})

test("each day whose figures changed is announced to the doctor once, with the time that the answer gives; nothing changed, nothing announced", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  await practice.book(0, at("2026-06-10T10:00:00"))
  await practice.process()
  const before = (await updatesOf(practice)).length
  await practice.move(0, at("2026-06-12T10:00:00"))
  await practice.setStatus(0, "CONFIRMED")
  await practice.setStatus(0, "CANCELLED")
  await practice.process()
  const { computedAt } = await readAnalytics(database.pool, practice.doctorId, "day", NOW.getTime())
  expect((await updatesOf(practice)).slice(before)).toEqual(
    ["2026-06-10", "2026-06-12"].map((date) => ({
      name: "analytics:update",
      rooms: [`doctor:${practice.doctorId}`],
      data: { date, computedAt },
    })),
  )
  await practice.setStatus(0, "CANCELLED")
  await practice.process()
  expect(await updatesOf(practice)).toHaveLength(before + 2)
})

test("changes and computations that race leave the figures true and nothing due", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD", 20)
  const write = async (writer: number) => {
    for (let i = 0; i < 15; i++) {
      await practice.book(writer, new Date(NOW.getTime() - (writer * 15 + i) * 3_600_000), "COMPLETED")
      const [appointmentId] = practice.appointments.slice(-1)
      await insertRollupsDue(database.pool, {
        appointments: [
          {
            appointmentId: appointmentId as string,
            at: new Date(NOW.getTime() - (writer * 15 + i) * 3_600_000).toISOString(),
            reorders: true,
          },
        ],
        paymentIds: [],
        doctorIds: [],
      })
    }
  }
  const compute = async () => {
    for (let i = 0; i < 30; i++) await recomputeRollups(database.pool, practice.doctorId)
  }
  await Promise.all([write(0), write(1), write(2), write(3), compute(), compute(), compute()])
  await practice.process()
  await expectTrue(practice)
  expect(await database.pool`select from rollups_due where doctor_id = ${practice.doctorId}`).toHaveLength(0)
})

test("of the doctors who wait, those who have waited longest are taken along, each to their own true figures", async () => {
  const practices: Practice[] = []
  for (let n = 0; n < 12; n++) {
    const practice = await Practice.open(database.pool, "UTC", n % 2 ? "USD" : "KWD", 1)
    await practice.book(0, NOW)
    await practice.process()
    await practice.pay(0, 1_000 + n, NOW)
    practices.push(practice)
  }
  // Neither in the order of their ids nor against it.
  const waiting = practices.filter((_, n) => n % 2).concat(practices.filter((_, n) => n % 2 === 0).toReversed())
  const [taken, left, own] = [waiting.slice(0, 4), waiting.slice(4, -1), waiting.at(-1) as Practice]
  const ids = waiting.map(({ doctorId }) => doctorId)
  for (const doctorId of ids) await database.pool`insert into rollups_due (doctor_id, at) values (${doctorId}, ${NOW})`
  await recomputeRollups(database.pool, own.doctorId, taken.length)
  const due = await database.pool<{ doctorId: string }[]>`
    select doctor_id as "doctorId" from rollups_due where doctor_id = any (${ids}::uuid[]) order by id`
  expect(due.map(({ doctorId }) => doctorId)).toEqual(left.map(({ doctorId }) => doctorId))
  for (const practice of [...taken, own]) await expectTrue(practice)
  await Promise.all(left.map(({ doctorId }) => recomputeRollups(database.pool, doctorId)))
})

test("what is due is found by index, also by plans that were made while next to nothing was", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD", 1)
  await practice.book(0, NOW)
  await practice.process()
  // One connection: its plans, and its part of the statistics.
  const pool = openPool(database.url, { max: 1, name: "test" })
  const scans = async () => {
    await pool`select pg_stat_force_next_flush()`
    const [row] = await pool<{ scans: number }[]>`select seq_scan as scans from pg_stat_user_tables where relname = 'rollups_due'`
    return row?.scans
  }
  const compute = async () => {
    await pool`insert into rollups_due (doctor_id, at) values (${practice.doctorId}, ${NOW})`
    for (let job = 0; job < 2; job++) await recomputeRollups(pool, practice.doctorId, 5)
  }
  await database.pool`vacuum analyze rollups_due`
  for (let n = 0; n < 10; n++) await compute()
  await database.pool`insert into rollups_due (doctor_id, at) select gen_random_uuid(), ${NOW} from generate_series(1, 20000)`
  await database.pool`delete from rollups_due`
  const before = await scans()
  for (let n = 0; n < 5; n++) await compute()
  expect(await scans()).toBe(before as number)
  await pool.end()
})

test("the verification mends every figure that differs from the rows, names the days, and finds nothing the second time", async () => {
  const practice = await Practice.open(database.pool, "Europe/Berlin", "USD")
  for (const day of ["2026-06-01", "2026-06-08", "2026-06-14"]) {
    await practice.book(0, at(`${day}T10:00:00`), "COMPLETED")
    await practice.pay(0, 5_000, at(`${day}T10:00:00`))
  }
  await practice.process()
  await database.pool`update doctor_days set revenue = revenue + 1 where doctor_id = ${practice.doctorId} and day = '2026-06-08'`
  await database.pool`delete from doctor_days where doctor_id = ${practice.doctorId} and day = '2026-06-01'`
  await database.pool`insert into doctor_days values (${practice.doctorId}, '2026-06-10', 9, 9, 0, 0, 9, 1)`
  expect(await verifyRollups(database.pool, practice.doctorId, 35, NOW.getTime())).toEqual(["2026-06-01", "2026-06-08", "2026-06-10"])
  await expectTrue(practice)
  expect(await verifyRollups(database.pool, practice.doctorId, 35, NOW.getTime())).toEqual([])
})

test("visits in the farthest years that can be booked are no obstacle", async () => {
  const practice = await Practice.open(database.pool, "Pacific/Kiritimati", "USD")
  await practice.book(0, at("9999-12-31T23:00:00"))
  await practice.book(0, at("2026-06-14T10:00:00"))
  await practice.process()
  await expectTrue(practice)
  await practice.setDoctor("timezone", "America/New_York")
  await practice.process()
  await expectTrue(practice)
})
