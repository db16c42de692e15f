import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Practice } from "../core/analytics/test-practice.ts"
import { tellDrifted } from "../core/queue/drift.ts"
import { clinicOf, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"

const MINUTE_MS = 60_000
/** As far as what was told may be off. */
const DRIFT_MINUTES = 5
/** A visit of a doctor who does not say otherwise. */
const SLOT_MINUTES = 30

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

type Clinic = Awaited<ReturnType<typeof openClinic>>
type Waiting = { appointmentId: string; position: number; estimatedStart: string }

/** With so many waiting, after one who is with the doctor. */
async function openClinic(waiting: number) {
  const clinic = await clinicOf(api)
  const desk = await receptionistOf(api, clinic.clinicId)
  for (const slot of clinic.slots.slice(0, waiting + 1)) {
    const { body } = await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: slot.start })
    for (const status of ["CONFIRMED", "WAITING"]) expect((await desk.put(`/appointments/${body.id}`, { status })).status).toBe(200)
  }
  expect((await desk.post("/receptionists/queue/next", { doctorId: clinic.doctorId })).status).toBe(200)
  return { ...clinic, desk }
}

/** As if so much time had passed in which nobody changed the clinic's queue. */
const pass = ({ clinicId }: Clinic, minutes: number) => api.database.pool`
  update queue_entries set checked_in_at = checked_in_at - make_interval(mins => ${minutes}),
    started_at = started_at - make_interval(mins => ${minutes}), told_start = told_start - make_interval(mins => ${minutes})
  where clinic_id = ${clinicId}`

const queueOf = async ({ desk }: Clinic): Promise<{ updatedAt: string; waiting: Waiting[] }> =>
  (await desk.get("/receptionists/queue")).body
const run = () => tellDrifted(api.database.pool)
const lastSeq = async () => (await api.database.pool`select coalesce(max(seq), 0) as seq from events`)[0]?.seq as number
const eventsSince = (seq: number) =>
  api.database.pool<
    { name: string; data: Waiting; rooms: string[] }[]
  >`select name, data, rooms from events where seq > ${seq} order by seq`

const minutesApart = (a: string | Date, b: string | Date) => Math.abs(new Date(a).getTime() - new Date(b).getTime()) / MINUTE_MS

/** How far what the clinic's patients know is from what the desk reads now. */
async function widestGap(clinic: Clinic): Promise<number> {
  const told = await api.database.pool<{ id: string; start: Date }[]>`
    select appointment_id as id, told_start as start from queue_entries where clinic_id = ${clinic.clinicId}`
  const { waiting } = await queueOf(clinic)
  return Math.max(...waiting.map((w) => minutesApart(w.estimatedStart, told.find(({ id }) => id === w.appointmentId)?.start as Date)))
}

describe("who waits while the visit before theirs overruns", () => {
  test("is told again, alone and once, and then knows what the desk reads, however many workers look", async () => {
    const clinic = await openClinic(3)
    const onTime = await openClinic(2)
    await pass(clinic, 90)
    expect(await widestGap(clinic)).toBeWithin(90 - SLOT_MINUTES - 1, 90 - SLOT_MINUTES + 2)
    const [{ updatedAt }, before] = [await queueOf(clinic), await lastSeq()]
    const told = await Promise.all([run(), run(), run(), run()])
    expect(told.reduce((sum, n) => sum + n)).toBe(3)
    expect(await run()).toBe(0)
    const after = await queueOf(clinic)
    const events = await eventsSince(before)
    expect(events.map((e) => [e.name, e.data.appointmentId, e.data.position, e.rooms])).toEqual(
      after.waiting.map((w) => ["queue:position", w.appointmentId, w.position, [`patient:${clinic.patientId}`]]),
    )
    // The clock may pass a minute between the telling and the reading.
    for (const [n, { data }] of events.entries())
      expect(minutesApart(data.estimatedStart, after.waiting[n]?.estimatedStart as string)).toBeWithin(0, 2)
    expect(await widestGap(clinic)).toBeLessThan(DRIFT_MINUTES)
    expect(after.updatedAt).toBe(updatedAt)
    expect(await widestGap(onTime)).toBe(0)
  })

  test("is told again each time it is that late again, and never knows an estimate that is further off", async () => {
    const clinic = await openClinic(2)
    await pass(clinic, SLOT_MINUTES)
    for (let minute = 0; minute < 4 * DRIFT_MINUTES; minute++) {
      await pass(clinic, 1)
      const before = await lastSeq()
      const isDue = (await widestGap(clinic)) >= DRIFT_MINUTES
      const told = await run()
      if (isDue) expect(told).toBe(2)
      expect(await eventsSince(before)).toHaveLength(told)
      expect(await widestGap(clinic)).toBeWithin(0, DRIFT_MINUTES + 1)
    }
  })
})

test("nobody is told while the visit takes as long as was expected, or less than 5 minutes longer", async () => {
  const clinic = await openClinic(2)
  const before = await lastSeq()
  for (const minutes of [1, SLOT_MINUTES - 2, 1, DRIFT_MINUTES - 2]) {
    await pass(clinic, minutes)
    expect(await run()).toBe(0)
  }
  expect(await lastSeq()).toBe(before)
})

test("who has no account is not told, but those behind them are; who was never told is not told by the clock", async () => {
  const clinic = await openClinic(3)
  const [first, second, third] = (await queueOf(clinic)).waiting.map((w) => w.appointmentId) as [string, string, string]
  await pass(clinic, 90)
  await api.database.pool`update queue_entries set told_position = null, told_start = null where appointment_id in (${first}, ${third})`
  const before = await lastSeq()
  expect(await run()).toBe(1)
  expect((await eventsSince(before)).map((e) => [e.data.appointmentId, e.data.position])).toEqual([[second, 2]])
})

test("an entry of yesterday is told nothing", async () => {
  const clinic = await openClinic(1)
  await pass(clinic, 24 * 60)
  await api.database.pool`update queue_entries set lapses_at = now() where clinic_id = ${clinic.clinicId}`
  expect(await run()).toBe(0)
})

test("every clinic is looked at, however many there are", async () => {
  const { pool } = api.database
  for (let n = 0; n < 205; n++) {
    const practice = await Practice.open(pool, "UTC", "USD", 1)
    await practice.book(0, new Date(), "WAITING")
    await pool`insert into accounts (uid, role) values (${practice.doctorId}, 'PATIENT')`
    await pool`update patients set uid = ${practice.doctorId} where id = ${practice.patients[0] as string}`
    await pool`insert into clinic_queues (clinic_id) select clinic_id from doctors where id = ${practice.doctorId}`
    await pool`
      insert into queue_entries (appointment_id, clinic_id, doctor_id, checked_in_at, lapses_at, told_position, told_start)
      select ${practice.appointments[0] as string}, clinic_id, id, now(), now() + interval '1 hour', 1, now() - interval '1 hour'
      from doctors where id = ${practice.doctorId}`
  }
  expect(await run()).toBe(205)
  expect(await run()).toBe(0)
}, 30_000)
