import { afterAll, beforeAll, expect, test } from "bun:test"
import { recomputeRollups } from "../core/analytics/recompute.ts"
import { clinicOf, receptionistOf, request, type TestApi, testApi } from "../tests/harness/api.ts"

let api: TestApi
let clinic: Awaited<ReturnType<typeof clinicOf>>
beforeAll(async () => {
  api = await testApi()
  clinic = await clinicOf(api)
})
afterAll(() => api[Symbol.asyncDispose]())

const day = (offset: number) => Temporal.Now.plainDateISO("America/New_York").add({ days: offset }).toString()

test("a doctor reads their own figures, of a month unless asked otherwise, in their zone and currency", async () => {
  const { status, body } = await clinic.doctor.get("/doctors/analytics")
  expect(status).toBe(200)
  const zeros = { appointments: 0, completed: 0, cancelled: 0, noShow: 0, revenue: 0, currency: "USD", cancellationRate: 0, newPatients: 0 }
  expect(body).toEqual({
    period: "month",
    from: day(-29),
    to: day(0),
    timezone: "America/New_York",
    computedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
    summary: zeros,
    previous: zeros,
    revenueTrend: Array.from({ length: 30 }, (_, n) => ({ date: day(n - 29), revenue: 0 })),
    appointmentTrend: Array.from({ length: 30 }, (_, n) => ({ date: day(n - 29), booked: 0, completed: 0, cancelled: 0 })),
    patientGrowth: Array.from({ length: 30 }, (_, n) => ({ date: day(n - 29), newPatients: 0, totalPatients: 0 })),
  })
  for (const [period, points] of [
    ["day", 1],
    ["week", 7],
    ["3months", 90],
    ["year", 12],
  ] as const) {
    const answer = await clinic.doctor.get(`/doctors/analytics?period=${period}`)
    expect([answer.status, answer.body.period, answer.body.revenueTrend.length]).toEqual([200, period, points])
  }
})

test("figures are the doctor's own: a colleague of the same clinic sees theirs", async () => {
  const { pool } = api.database
  const colleague = await clinicOf(api)
  await pool`
    insert into appointments (id, doctor_id, patient_id, during, status)
    values (${Bun.randomUUIDv7()}, ${clinic.doctorId}, ${clinic.patientId}, tstzrange(now(), now() + interval '10 minutes'), 'CANCELLED')`
  await pool`insert into rollups_due (doctor_id, every_day) values (${clinic.doctorId}, true)`
  await recomputeRollups(pool, clinic.doctorId)
  const { body } = await clinic.doctor.get("/doctors/analytics?period=day")
  expect(body.summary).toMatchObject({ appointments: 1, cancelled: 1, cancellationRate: 1, newPatients: 1 })
  expect(body.patientGrowth).toEqual([{ date: day(0), newPatients: 1, totalPatients: 1 }])
  expect((await colleague.doctor.get("/doctors/analytics?period=day")).body.summary.appointments).toBe(0)
})

test("figures are read from rollups alone: the answer is the same while there is no visit and no payment to look at", async () => {
  const { pool } = api.database
  const read = async () => {
    const answers = []
    for (const period of ["day", "week", "month", "3months", "year"])
      answers.push(await clinic.doctor.get(`/doctors/analytics?period=${period}`))
    return answers.map(({ status, body }) => [status, body])
  }
  const before = await read()
  const rows = ["appointments", "payments"]
  for (const table of rows) await pool`alter table ${pool(table)} rename to ${pool(`${table}_away`)}`
  const without = await read()
  for (const table of rows) await pool`alter table ${pool(`${table}_away`)} rename to ${pool(table)}`
  expect(without).toEqual(before)
  expect(before.map(([status]) => status)).toEqual([200, 200, 200, 200, 200])
})

test("patients, receptionists and newcomers are refused, and so is whoever has no token", async () => {
  const receptionist = await receptionistOf(api, clinic.clinicId)
  for (const who of [clinic.patient, receptionist, api.person()]) {
    const answer = await who.get("/doctors/analytics")
    expect([answer.status, answer.headers.get("content-type")]).toEqual([403, "application/problem+json"])
  }
  expect((await request(`${api.url}/api/v1/doctors/analytics`)).status).toBe(401)
})

test("a period that is none is 400 and named; unknown parameters are ignored", async () => {
  for (const query of [
    "period=",
    "period=decade",
    "period=Month",
    "period=day&period=week",
    "period=%00",
    "period=constructor",
    "period=1",
  ]) {
    const answer = await clinic.doctor.get(`/doctors/analytics?${query}`)
    expect([query, answer.status]).toEqual([query, 400])
    expect(answer.body.errors.map((e: { path: string }) => e.path)).toContain("period")
  }
  expect((await clinic.doctor.get("/doctors/analytics?period=%ff")).status).toBe(400)
  expect((await clinic.doctor.get("/doctors/analytics?doctorId=x&utm=1")).status).toBe(200)
})

test("another method is 405 with Allow", async () => {
  const answer = await clinic.doctor.post("/doctors/analytics", {})
  expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"])
})
