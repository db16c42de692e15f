import { afterAll, beforeAll, expect, test } from "bun:test"
import { clinicOf, doctorInput, receptionistOf, type TestApi, testApi } from "../../tests/harness/api.ts"
import type { Receptionist } from "../auth/principal.ts"
import { findPrincipal } from "../auth/queries.ts"
import { dayOf } from "../doctors/schedule/zone.ts"
import { updatePatient } from "../patients/queries.ts"
import { DayBook } from "./day-book.ts"
import { deskStats } from "./stats.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

type Clinic = Awaited<ReturnType<typeof clinicOf>>

async function appointmentAt({ doctorId, patientId }: Clinic, start: string, status = "CONFIRMED"): Promise<string> {
  const id = Bun.randomUUIDv7()
  await api.database.pool`
    insert into appointments (id, doctor_id, patient_id, during, status)
    values (${id}, ${doctorId}, ${patientId}, tstzrange(${start}::timestamptz, ${start}::timestamptz + interval '10 minutes'), ${status})`
  return id
}

async function statsAt(clinic: Clinic, now: string) {
  const desk = await receptionistOf(api, clinic.clinicId)
  const caller = (await findPrincipal(api.database.pool, desk.uid)) as Receptionist
  const { appointments, ...counts } = await deskStats(api.database.pool, new DayBook(), caller, Date.parse(now))
  return { ...counts, appointments: appointments.map(({ text }) => JSON.parse(text)) }
}

test("today is the day in the clinic's zone, on the days when clocks change too", async () => {
  const clinic = await clinicOf(api) // New York
  const days = [
    {
      now: "2027-01-10T12:00:00Z",
      date: "2027-01-10",
      from: "2027-01-10T05:00:00Z",
      last: "2027-01-11T04:59:00Z",
      after: "2027-01-11T05:00:00Z",
    },
    // 23 and 25 hours long.
    {
      now: "2027-03-14T12:00:00Z",
      date: "2027-03-14",
      from: "2027-03-14T05:00:00Z",
      last: "2027-03-15T03:59:00Z",
      after: "2027-03-15T04:00:00Z",
    },
    {
      now: "2027-11-08T04:59:59Z",
      date: "2027-11-07",
      from: "2027-11-07T04:00:00Z",
      last: "2027-11-08T04:49:00Z",
      after: "2027-11-08T05:00:00Z",
    },
  ]
  for (const { now, date, from, last, after } of days) {
    await appointmentAt(clinic, new Date(Date.parse(from) - 60_000 * 10).toISOString())
    const inside = [await appointmentAt(clinic, from), await appointmentAt(clinic, last, "CANCELLED")]
    await appointmentAt(clinic, after, "CANCELLED")
    const stats = await statsAt(clinic, now)
    expect([stats.date, stats.appointments.map((a) => a.id)]).toEqual([date, inside])
  }
})

test("counts each status, all but REJECTED as booked, and lists every appointment of the clinic by time, as its parties see it", async () => {
  const clinic = await clinicOf(api)
  await appointmentAt(await clinicOf(api), "2027-05-05T15:00:00Z")
  const statuses = ["PENDING", "CONFIRMED", "WAITING", "WAITING", "IN_PROGRESS", "COMPLETED", "CANCELLED", "NO_SHOW", "NO_SHOW", "REJECTED"]
  const ids: string[] = []
  for (const [n, status] of statuses.entries()) ids.push(await appointmentAt(clinic, `2027-05-05T${10 + n}:00:00Z`, status))
  const stats = await statsAt(clinic, "2027-05-05T15:00:00Z")
  const { appointments, ...counts } = stats
  expect(counts).toEqual({
    date: "2027-05-05",
    clinicId: clinic.clinicId,
    totalBooked: 9,
    completed: 1,
    waiting: 2,
    inProgress: 1,
    cancelled: 1,
    noShow: 2,
  })
  expect(appointments.map((a) => a.id)).toEqual(ids)
  expect(appointments[0]).toEqual((await clinic.patient.get(`/appointments/${ids[0]}`)).body)
})

test("are for active receptionists, of their own clinic", async () => {
  const clinic = await clinicOf(api)
  const desk = await receptionistOf(api, clinic.clinicId)
  const { status, body } = await desk.get("/receptionists/stats")
  expect([status, body]).toEqual([
    200,
    {
      date: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/),
      clinicId: clinic.clinicId,
      totalBooked: 0,
      completed: 0,
      waiting: 0,
      inProgress: 0,
      cancelled: 0,
      noShow: 0,
      appointments: [],
    },
  ])
  for (const other of ["PENDING", "REJECTED", "REVOKED"])
    expect((await (await receptionistOf(api, clinic.clinicId, other)).get("/receptionists/stats")).status).toBe(403)
  for (const someone of [clinic.doctor, clinic.patient, api.person()]) expect((await someone.get("/receptionists/stats")).status).toBe(403)
})

const moveByDays = (days: number, id?: string) => api.database.pool`
  update appointments set version = version + 1,
    during = tstzrange(scheduled_at + make_interval(days => ${days}), ends_at + make_interval(days => ${days})) where id = ${id ?? null}`

test("what is remembered of the day is never old: every kind of change shows in the next answer", async () => {
  const clinic = await clinicOf(api)
  const desk = await receptionistOf(api, clinic.clinicId)
  const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
  const join = { clinicId: clinic.clinicId, clinicVerificationCode: clinic.profile.clinicVerificationCode }
  const others = [api.person(), api.person(), api.person()]
  const doctors = [clinic.doctorId]
  for (const other of others) doctors.push((await other.post("/doctors", { ...practice, ...join })).body.id)
  const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString()
  const ids: string[] = []
  for (const doctorId of doctors) ids.push(await appointmentAt({ ...clinic, doctorId }, hour, "PENDING"))
  const expectCurrent = async () => {
    const { appointments, totalBooked } = (await desk.get("/receptionists/stats")).body
    const read = await Promise.all(ids.map(async (id) => (await desk.get(`/appointments/${id}`)).body))
    expect(appointments).toEqual(read.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    expect(totalBooked).toBe(ids.length)
  }
  await expectCurrent()
  await expectCurrent()
  const changes = [
    () => desk.put(`/appointments/${ids[0]}`, { status: "CONFIRMED" }),
    () => Promise.all(ids.slice(1).map((id) => desk.put(`/appointments/${id}`, { status: "CANCELLED" }))),
    () => clinic.patient.patch("/patients/me", { name: "Pat Smith" }),
    () => clinic.doctor.patch("/doctors/me", { name: "Dr. Ada Osei-Bonsu" }),
    async () => ids.push(await appointmentAt(clinic, new Date(Date.parse(hour) + 600_000).toISOString())),
    () => moveByDays(3, ids.pop()),
    async () => {
      for (const id of ids) await moveByDays(-3, id)
      ids.length = 0
    },
  ]
  for (const change of changes) {
    await change()
    await expectCurrent()
  }
})

test("a name that was changed before a reading and is committed after it shows in the next one, however late the commit", async () => {
  const clinic = await clinicOf(api)
  const desk = await receptionistOf(api, clinic.clinicId)
  await appointmentAt(clinic, new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString())
  const nameShown = async () => (await desk.get("/receptionists/stats")).body.appointments[0].patientName
  const { pool } = api.database
  const rename = (name: string, untilCommit: Promise<void>) =>
    pool.begin(async (tx) => {
      await updatePatient(tx, clinic.patientId, { name, phone: null, city: null, latitude: null, longitude: null })
      await untilCommit
    })
  for (let round = 0; round < 3; round++) {
    const before = await nameShown()
    const committing = Promise.withResolvers<void>()
    const renamed = rename(`Name ${round}`, committing.promise)
    for (let reading = 0; reading < 3; reading++) {
      expect(await nameShown()).toBe(before)
      // Others come, change and go meanwhile.
      await clinicOf(api)
    }
    committing.resolve()
    await renamed
    expect(await nameShown()).toBe(`Name ${round}`)
  }
})

test("more changed patients than are told one by one are all seen", async () => {
  const clinic = await clinicOf(api)
  const desk = await receptionistOf(api, clinic.clinicId)
  await appointmentAt(clinic, new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString())
  await desk.get("/receptionists/stats")
  await api.database.pool`
    insert into patients (id, name, name_fold) select gen_random_uuid(), 'Pat', 'pat' from generate_series(1, 600)`
  await clinic.patient.patch("/patients/me", { name: "Pat Last" })
  expect((await desk.get("/receptionists/stats")).body.appointments[0].patientName).toBe("Pat Last")
})

test("when the clinic's zone changes, today is its day in the new one at once", async () => {
  const clinic = await clinicOf(api)
  const desk = await receptionistOf(api, clinic.clinicId)
  const zones = ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"]
  // Of the first two one is always a day ahead of the other.
  for (const zone of zones) {
    await api.database.pool`update clinics set timezone = ${zone} where id = ${clinic.clinicId}`
    const days = [dayOf(Date.now(), zone), (await desk.get("/receptionists/stats")).body.date, dayOf(Date.now(), zone)]
    expect(days[1]).toBeOneOf([days[0], days[2]])
  }
})
