import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestDatabase, testDatabase } from "../../../tests/harness/services.ts"
import { Practice } from "../../analytics/test-practice.ts"
import { markNoShows } from "./no-shows.ts"
import { sendReminders } from "./remind.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const NOW = Date.parse("2026-06-15T12:00:00Z")
const inHours = (hours: number) => new Date(NOW + hours * 3_600_000)

const reminders = async (practice: Practice) =>
  (
    await database.pool<{ at: string; rooms: string[] }[]>`
      select data ->> 'scheduledAt' as at, rooms from events
      where name = 'appointment:reminder' and data ->> 'appointmentId' = any (${practice.appointments}) order by seq`
  ).map(({ at, rooms }) => ({ at, rooms }))

const statusOf = async (practice: Practice) =>
  (
    await database.pool<{ status: string }[]>`select status from appointments where doctor_id = ${practice.doctorId} order by scheduled_at`
  ).map((r) => r.status)

test("a confirmed visit is reminded of 24 h and 1 h before, once each, however many workers run at once", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD", 1)
  await practice.book(0, inHours(24.1), "CONFIRMED")
  const all = () => Promise.all(Array.from({ length: 6 }, () => sendReminders(database.pool, NOW)))
  await all()
  expect(await reminders(practice)).toEqual([])
  const reminder = { at: "2026-06-16T12:06:00Z", rooms: [`patient:${practice.patients[0]}`] }
  await Promise.all(Array.from({ length: 6 }, () => sendReminders(database.pool, NOW + 3_600_000)))
  expect(await reminders(practice)).toEqual([reminder])
  for (const hour of [13, 20, 23.2, 23.5, 24.05, 24.2, 30])
    await Promise.all([1, 2, 3].map(() => sendReminders(database.pool, inHours(hour).getTime())))
  expect(await reminders(practice)).toEqual([reminder, reminder])
})

test("only confirmed visits are reminded of, and one confirmed for the same day not as if it were tomorrow's", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  const statuses = ["PENDING", "REJECTED", "CANCELLED", "WAITING", "IN_PROGRESS", "COMPLETED", "NO_SHOW"]
  for (const [n, status] of statuses.entries()) {
    await practice.book(n, inHours(0.2 + n * 0.1), status)
    await practice.book(n, inHours(20 + n * 0.1), status)
  }
  await practice.book(0, inHours(6), "CONFIRMED")
  await sendReminders(database.pool, NOW)
  expect(await reminders(practice)).toEqual([])
})

test("a visit that moves is reminded of at its new time, and a cancelled one no more", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD", 1)
  await practice.book(0, inHours(20), "CONFIRMED")
  await practice.book(0, inHours(21), "CONFIRMED")
  await sendReminders(database.pool, NOW)
  await practice.setStatus(1, "CANCELLED")
  await practice.move(0, inHours(44))
  await practice.setStatus(0, "CONFIRMED")
  await sendReminders(database.pool, inHours(20.5).getTime())
  await sendReminders(database.pool, inHours(43.5).getTime())
  const at = (hours: number) => inHours(hours).toISOString().replace(".000", "")
  expect((await reminders(practice)).map((r) => r.at)).toEqual([at(20), at(21), at(44), at(44)])
})

test("a confirmed visit whose end is longer past than the setting says becomes NO_SHOW, with its event; no other does", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  for (const [n, status] of ["PENDING", "WAITING", "IN_PROGRESS", "COMPLETED", "CANCELLED", "REJECTED"].entries())
    await practice.book(n, inHours(-30 + n), status)
  await practice.book(0, inHours(-1.2), "CONFIRMED")
  await practice.book(0, inHours(-1.05), "CONFIRMED")
  await practice.book(0, inHours(2), "CONFIRMED")
  expect((await Promise.all([1, 2, 3].map(() => markNoShows(database.pool, 60, NOW)))).reduce((a, b) => a + b)).toBe(1)
  expect(await statusOf(practice)).toEqual([
    "PENDING",
    "WAITING",
    "IN_PROGRESS",
    "COMPLETED",
    "CANCELLED",
    "REJECTED",
    "NO_SHOW",
    "CONFIRMED",
    "CONFIRMED",
  ])
  const told = await database.pool`
    select from events where name = 'appointment:update' and data ->> 'status' = 'NO_SHOW' and data ->> 'appointmentId' = ${practice.appointments[6] as string}`
  expect(told).toHaveLength(1)
  expect(await markNoShows(database.pool, 60, NOW)).toBe(0)
  expect(await markNoShows(database.pool, 30, NOW)).toBe(1)
})
