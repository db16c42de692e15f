import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestDatabase, testDatabase } from "../../tests/harness/services.ts"
import { Practice } from "../analytics/test-practice.ts"
import { newEvent } from "../events/log.ts"
import { Bookings } from "./bookings.ts"
import type { NewAppointment } from "./queries.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000
const FIRST = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS

function asked({ doctorId, patients }: Practice, hour: number): NewAppointment {
  const [id, clinicId, patientId] = [Bun.randomUUIDv7(), Bun.randomUUIDv7(), patients[0] as string]
  const [scheduledAt, endsAt] = [hour, hour + 1].map((h) => new Date(FIRST + h * HOUR_MS).toISOString()) as [string, string]
  const names = { doctorName: "Ada", patientName: "Pat" }
  const state = { status: "PENDING", type: "IN_PERSON", reason: null, version: 1, createdAt: scheduledAt, updatedAt: scheduledAt } as const
  const data = { appointmentId: id, patientName: "Pat", scheduledAt, reason: null }
  return {
    appointment: { id, doctorId, patientId, clinicId, scheduledAt, endsAt, ...names, ...state },
    doctorVersion: 1,
    patientVersion: 1,
    event: newEvent({ name: "appointment:new", data, about: { doctorId, clinicId } }),
    entry: JSON.stringify({ ids: [id] }),
  }
}

test("of many at once, whose time is taken is told so, and all others are booked, announced and audited once, before as after rivals were seen", async () => {
  const { pool } = database
  const practice = await Practice.open(pool, "UTC", "EUR", 1)
  const bookings = new Bookings(pool, pool)
  expect(await bookings.book(asked(practice, 0))).toBe("booked")
  for (const from of [0, 20, 40]) {
    // The first, and one of the others a second time.
    const hours = [0, ...Array.from({ length: 20 }, (_, n) => from + n + 1), from + 7]
    const outcomes = await Promise.all(hours.map((hour) => bookings.book(asked(practice, hour))))
    expect(outcomes).toEqual(["taken", ...Array.from({ length: 20 }, () => "booked" as const), "taken"])
  }
  const [made] = await pool`
    select (select count(*) from appointments where doctor_id = ${practice.doctorId}) as booked,
      (select count(*) from events where name = 'appointment:new') as announced, (select count(*) from audit_inbox) as audited`
  expect(made).toEqual({ booked: 61, announced: 61, audited: 61 })
})

test("one whose doctor has changed meanwhile is told so, and those who are booked with it are booked", async () => {
  const { pool } = database
  const practice = await Practice.open(pool, "UTC", "EUR", 1)
  const bookings = new Bookings(pool, pool)
  const stale = { ...asked(practice, 1), doctorVersion: 7 }
  expect(await Promise.all([asked(practice, 0), stale, asked(practice, 2)].map((a) => bookings.book(a)))).toEqual([
    "booked",
    "stale",
    "booked",
  ])
})
