import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { type TestDatabase, testDatabase } from "../../../tests/harness/services.ts"
import { findAvailability, nextFreeSlots } from "./availability.ts"
import { findSchedule } from "./queries.ts"
import type { Slot } from "./slots.ts"
import type { WorkingHours } from "./working-hours.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const LONG_AGO = Date.parse("2020-01-01T00:00Z")
const NINE_TO_NOON: WorkingHours = { mon: [["09:00", "12:00"]], tue: [["09:00", "12:00"]] }
const MONDAY = "2026-06-01"

let db: TestDatabase
const clinicId = Bun.randomUUIDv7()
const patientId = Bun.randomUUIDv7()

beforeAll(async () => {
  db = await testDatabase({ max: 2 })
  await db.pool`
    insert into clinics (id, name, address, city, city_key, latitude, longitude, timezone, verification_code)
    values (${clinicId}, 'Clinic', 'Street 1', 'Paris', 'paris', 48.85, 2.35, 'Europe/Paris', 'code')`
  await db.pool`insert into patients (id, name, name_fold) values (${patientId}, 'Ada', 'ada')`
})
afterAll(async () => db[Symbol.asyncDispose]())

type NewDoctor = { timezone?: string; slotMinutes?: number; workingHours?: WorkingHours; active?: boolean }

async function doctorWith({ timezone = "Europe/Paris", slotMinutes = 30, workingHours = NINE_TO_NOON, active = true }: NewDoctor = {}) {
  const id = Bun.randomUUIDv7()
  await db.pool`
    insert into doctors (id, clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency, clinic_name,
      clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8, working_hours,
      slot_minutes, timezone, active)
    values (${id}, ${clinicId}, 'Dr B', 'dr b', 'Cardiology', 'cardiology', 10, 'EUR', 'Clinic', 'clinic', 'Street 1', 'Paris', 'paris',
      48.85, 2.35, 1, 1, 1, ${db.pool.json(workingHours)}, ${slotMinutes}, ${timezone}, ${active})`
  return id
}

async function appointment(doctorId: string, from: string | number, minutes: number, status = "CONFIRMED") {
  const start = new Date(from)
  const end = new Date(start.getTime() + minutes * MINUTE_MS)
  await db.pool`
    insert into appointments (id, doctor_id, patient_id, during, status)
    values (${Bun.randomUUIDv7()}, ${doctorId}, ${patientId}, tstzrange(${start}, ${end}), ${status})`
}

async function free(doctorId: string, date = MONDAY, now = LONG_AGO) {
  return (await findAvailability(db.pool, doctorId, date, now)).slots.map(({ start }) => start.slice(11, 16))
}

const MORNING = ["07:00", "07:30", "08:00", "08:30", "09:00", "09:30"]

describe("availability", () => {
  test("is the contract's answer, with instants in UTC", async () => {
    const doctorId = await doctorWith({ workingHours: { mon: [["09:00", "10:00"]] } })
    expect(await findAvailability(db.pool, doctorId, MONDAY, LONG_AGO)).toEqual({
      doctorId,
      date: MONDAY,
      timezone: "Europe/Paris",
      slotMinutes: 30,
      slots: [
        { start: "2026-06-01T07:00:00Z", end: "2026-06-01T07:30:00Z" },
        { start: "2026-06-01T07:30:00Z", end: "2026-06-01T08:00:00Z" },
      ],
    })
  })

  test.each(["PENDING", "CONFIRMED", "WAITING", "IN_PROGRESS"])("leaves out a slot that a %s appointment holds", async (status) => {
    const doctorId = await doctorWith()
    await appointment(doctorId, "2026-06-01T08:00Z", 30, status)
    expect(await free(doctorId)).toEqual(MORNING.filter((start) => start !== "08:00"))
  })

  test.each(["REJECTED", "CANCELLED", "COMPLETED", "NO_SHOW"])("offers a slot that a %s appointment holds no more", async (status) => {
    const doctorId = await doctorWith()
    await appointment(doctorId, "2026-06-01T08:00Z", 30, status)
    expect(await free(doctorId)).toEqual(MORNING)
  })

  test("leaves out every slot that an appointment of another length or from before a change of hours touches", async () => {
    const doctorId = await doctorWith()
    await appointment(doctorId, "2026-06-01T03:31Z", 240) // ends within the second slot
    await appointment(doctorId, "2026-06-01T08:40Z", 10)
    await appointment(doctorId, "2026-06-01T09:59Z", 240) // begins within the last
    expect(await free(doctorId)).toEqual(["08:00", "09:00"])
  })

  test("offers slots that only touch what is taken", async () => {
    const doctorId = await doctorWith()
    await appointment(doctorId, "2026-06-01T03:00Z", 240)
    await appointment(doctorId, "2026-06-01T10:00Z", 60)
    expect(await free(doctorId)).toEqual(MORNING)
  })

  test("does not mind another doctor's appointments", async () => {
    const [doctorId, other] = [await doctorWith(), await doctorWith()]
    await appointment(other, "2026-06-01T08:00Z", 30)
    expect(await free(doctorId)).toEqual(MORNING)
  })

  test("offers a slot until the moment it starts, and not after", async () => {
    const doctorId = await doctorWith()
    expect(await free(doctorId, MONDAY, Date.parse("2026-06-01T08:00Z"))).toEqual(["08:00", "08:30", "09:00", "09:30"])
    expect(await free(doctorId, MONDAY, Date.parse("2026-06-01T08:00Z") + 1)).toEqual(["08:30", "09:00", "09:30"])
    expect(await free(doctorId, MONDAY, Date.parse("2026-06-02T00:00Z"))).toEqual([])
  })

  test("has no horizon: any day of the calendar answers", async () => {
    const doctorId = await doctorWith({ workingHours: { mon: [["00:00", "24:00"]], fri: [["00:00", "24:00"]] } })
    for (const zone of ["-23:59", "+23:59", "Europe/Paris"]) {
      await db.pool`update doctors set timezone = ${zone} where id = ${doctorId}`
      expect(await free(doctorId, "0001-01-01")).toEqual([])
      const last = await findAvailability(db.pool, doctorId, "9999-12-31", LONG_AGO)
      expect(last.slots.every(({ start, end }) => start.startsWith("9999-") && end.startsWith("9999-"))).toBe(true)
    }
    expect(await free(doctorId, "9999-12-27")).toHaveLength(48)
  })

  test("reads an instant as its day in the doctor's zone, and sees what is taken all through that day", async () => {
    const allDay: [string, string][] = [["00:00", "24:00"]]
    for (const timezone of ["Pacific/Kiritimati", "Pacific/Pago_Pago", "-23:59", "+23:59"]) {
      const doctorId = await doctorWith({ timezone, slotMinutes: 240, workingHours: { mon: allDay, tue: allDay } })
      const whole = await findAvailability(db.pool, doctorId, MONDAY, LONG_AGO)
      expect(whole.slots).toHaveLength(6)
      for (const { start } of [whole.slots[0], whole.slots[5]].filter((slot) => slot !== undefined)) {
        await appointment(doctorId, start, 240)
        const again = await findAvailability(db.pool, doctorId, start, LONG_AGO)
        expect(again.date).toBe(MONDAY)
        expect(again.slots).not.toContainEqual(expect.objectContaining({ start }))
      }
    }
  })

  test("of an inactive doctor is empty, and an unknown doctor is refused", async () => {
    const doctorId = await doctorWith({ active: false })
    expect(await findAvailability(db.pool, doctorId, MONDAY, LONG_AGO)).toMatchObject({ date: MONDAY, slots: [] })
    await expect(findAvailability(db.pool, Bun.randomUUIDv7(), MONDAY, LONG_AGO)).rejects.toMatchObject({ code: "not_found" })
  })
})

describe("the next free slots", () => {
  async function next(doctorId: string, after: string, now = LONG_AGO, count = 3): Promise<string[]> {
    const schedule = await findSchedule(db.pool, doctorId)
    if (!schedule) throw new Error("no such doctor")
    const slots: Slot[] = await nextFreeSlots(db.pool, doctorId, schedule, Date.parse(after), now, count)
    return slots.map(({ start }) => new Date(start).toISOString().slice(0, 16))
  }

  test("start at the asked time or later, leave out what is taken, and go on to the next working day", async () => {
    const doctorId = await doctorWith()
    await appointment(doctorId, "2026-06-01T09:00Z", 30)
    expect(await next(doctorId, "2026-06-01T08:30Z")).toEqual(["2026-06-01T08:30", "2026-06-01T09:30", "2026-06-02T07:00"])
    expect(await next(doctorId, "2026-06-02T09:30Z", LONG_AGO, 2)).toEqual(["2026-06-02T09:30", "2026-06-08T07:00"])
  })

  test("are never past", async () => {
    const doctorId = await doctorWith()
    expect(await next(doctorId, "2026-06-01T08:30Z", Date.parse("2026-06-02T09:01Z"), 1)).toEqual(["2026-06-02T09:30"])
  })

  test("are found beyond weeks that are fully taken, and not looked for beyond two months", async () => {
    const doctorId = await doctorWith({ slotMinutes: 180, workingHours: { mon: [["09:00", "12:00"]] } })
    const monday = Date.parse("2026-06-01T07:00Z")
    for (let week = 0; week < 8; week++) await appointment(doctorId, monday + week * 7 * DAY_MS, 180)
    expect(await next(doctorId, "2026-06-01T07:00Z")).toEqual(["2026-07-27T07:00"])
    await appointment(doctorId, monday + 8 * 7 * DAY_MS, 180)
    expect(await next(doctorId, "2026-06-01T07:00Z")).toEqual([])
  })

  test("end with the calendar", async () => {
    const doctorId = await doctorWith({ workingHours: { fri: [["23:00", "24:00"]] }, timezone: "UTC" })
    expect(await next(doctorId, "9999-12-24T23:30Z")).toEqual(["9999-12-24T23:30", "9999-12-31T23:00"])
  })

  test("of a doctor who never works are none", async () => {
    expect(await next(await doctorWith({ workingHours: {} }), "2026-06-01T07:00Z")).toEqual([])
  })
})

test("a schedule is what a booking must know of its doctor", async () => {
  const doctorId = await doctorWith({ active: false, slotMinutes: 45, timezone: "US/Eastern" })
  expect(await findSchedule(db.pool, doctorId)).toEqual({
    doctorId,
    clinicId,
    name: "Dr B",
    active: false,
    version: 1,
    timezone: "US/Eastern",
    slotMinutes: 45,
    workingHours: NINE_TO_NOON,
  })
  expect(await findSchedule(db.pool, Bun.randomUUIDv7())).toBeUndefined()
})
