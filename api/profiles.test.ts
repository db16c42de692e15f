import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { clinicOf, doctorInput, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"
import { until } from "../tests/harness/services.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const eventsSince = (seq: number) =>
  api.database.pool<
    { name: string; data: Record<string, unknown>; rooms: string[] }[]
  >`select name, data, rooms from events where seq > ${seq} order by seq`
async function lastSeq(): Promise<number> {
  const [row] = await api.database.pool`select coalesce(max(seq), 0) as seq from events`
  return row?.seq
}

describe("the first call of a signed-in person", () => {
  test("makes a patient, who then sees themselves; absent values are null", async () => {
    const someone = api.person()
    expect((await someone.get("/me")).body).toEqual({ uid: someone.uid, role: null })
    const { status, body } = await someone.post("/patients", { name: "  Ana  " })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      name: "Ana",
      phone: null,
      city: null,
      latitude: null,
      longitude: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect((await someone.get("/me")).body).toEqual({ uid: someone.uid, role: "PATIENT", patient: body })
  })

  test("makes a doctor with a clinic, a zone from the coordinates and defaults; same-city patients are told, by room", async () => {
    const someone = api.person()
    const before = await lastSeq()
    const { timezone: _, services: __, ...input } = doctorInput
    const { status, body } = await someone.post("/doctors", { ...input, city: "NEW York" })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      name: input.name,
      specialization: input.specialization,
      consultationFee: 150,
      currency: "USD",
      clinicId: expect.any(String),
      clinicName: input.clinicName,
      clinicAddress: input.clinicAddress,
      city: "NEW York",
      clinicLatitude: input.clinicLatitude,
      clinicLongitude: input.clinicLongitude,
      services: [],
      distanceKm: null,
      bio: null,
      workingHours: input.workingHours,
      slotMinutes: 30,
      timezone: "America/New_York",
      clinicVerificationCode: expect.stringMatching(/^[0-9A-Z]{10}$/),
      active: true,
    })
    expect((await someone.get("/me")).body).toEqual({ uid: someone.uid, role: "DOCTOR", doctor: body })
    const { clinicVerificationCode, active, ...profile } = body
    expect((await api.person().get(`/doctors/${body.id}`)).body).toEqual(profile)
    const events = await eventsSince(before)
    expect(events.filter((e) => e.rooms.length > 0)).toEqual([
      { name: "doctor:new", data: { doctorId: body.id, city: "NEW York" }, rooms: ["city:new york"] },
    ])
  })

  test("decides the role: a second profile of whatever role is 409, also when ten are asked for at once", async () => {
    const patient = api.person()
    await patient.post("/patients", { name: "Ana" })
    expect((await patient.post("/patients", { name: "Ana" })).status).toBe(409)
    expect((await patient.post("/doctors", doctorInput)).status).toBe(409)
    const someone = api.person()
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 ? someone.post("/patients", { name: "Ana" }) : someone.post("/doctors", doctorInput))),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([201, ...Array(9).fill(409)])
  })
})

describe("joining a clinic", () => {
  test("with its code makes a colleague; a wrong code and an unknown clinic are refused alike, and nothing is written", async () => {
    const { clinicId, profile } = await clinicOf(api)
    const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
    const colleague = api.person()
    const wrong = await colleague.post("/doctors", { ...practice, clinicId, clinicVerificationCode: "0000000000" })
    const unknown = await colleague.post("/doctors", { ...practice, clinicId: Bun.randomUUIDv7(), clinicVerificationCode: "0000000000" })
    expect([wrong.status, unknown.status]).toEqual([422, 422])
    expect(wrong.body).toEqual(unknown.body)
    expect((await colleague.get("/me")).body.role).toBeNull()
    const joined = await colleague.post("/doctors", {
      ...practice,
      clinicId,
      clinicVerificationCode: profile.clinicVerificationCode.toLowerCase(),
    })
    expect(joined.status).toBe(201)
    expect(joined.body).toMatchObject({ clinicId, clinicName, clinicAddress, city, clinicLatitude, clinicLongitude })
  })
})

describe("changing a profile", () => {
  test("what is not given stays, null clears, and the doctor's new state is announced to every process", async () => {
    const { doctor, profile } = await clinicOf(api)
    const before = await lastSeq()
    const { status, body } = await doctor.patch("/doctors/me", { consultationFee: 99.5, bio: "Hello", slotMinutes: 20 })
    expect(status).toBe(200)
    expect(body).toEqual({ ...profile, consultationFee: 99.5, bio: "Hello", slotMinutes: 20 })
    expect((await doctor.patch("/doctors/me", { bio: null })).body.bio).toBeNull()
    expect((await doctor.patch("/doctors/me", {})).status).toBe(200)
    const events = await eventsSince(before)
    expect(events.map((e) => [e.name, e.data.version, e.rooms])).toEqual([2, 3, 4].map((version) => ["doctor:changed", version, []]))
  })

  test("a clinic that moves takes its doctors along, zone included where it was the place's", async () => {
    const { doctor, clinicId, profile } = await clinicOf(api)
    const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, timezone, ...practice } = doctorInput
    const colleague = (
      await api
        .person()
        .post("/doctors", { ...practice, clinicId, clinicVerificationCode: profile.clinicVerificationCode, timezone: "UTC" })
    ).body
    const moved = await doctor.patch("/doctors/me", {
      city: "Berlin",
      clinicLatitude: 52.52,
      clinicLongitude: 13.405,
      clinicName: "Spree Klinik",
    })
    expect(moved.body).toMatchObject({ city: "Berlin", clinicName: "Spree Klinik", timezone: "Europe/Berlin" })
    expect((await doctor.get(`/doctors/${colleague.id}`)).body).toMatchObject({
      city: "Berlin",
      clinicLatitude: 52.52,
      clinicName: "Spree Klinik",
      timezone: "UTC",
    })
    const near = await until("the doctor index has it", async () => {
      const { body } = await doctor.get("/doctors/search?latitude=52.52&longitude=13.405&radius=1")
      return body.total === 2 ? body : undefined
    })
    expect(near.data.map((d: { id: string }) => d.id).sort()).toEqual([colleague.id, profile.id].sort())
    const old = await doctor.get(`/doctors/search?latitude=${clinicLatitude}&longitude=${clinicLongitude}&radius=1&limit=100`)
    expect(old.body.data.some((d: { id: string }) => d.id === profile.id)).toBe(false)
  })

  test("an inactive doctor is not found by search and can still be read", async () => {
    const { doctor, profile } = await clinicOf(api)
    await doctor.patch("/doctors/me", { active: false, name: "Dr. Quiet" })
    expect((await doctor.get("/doctors/search?name=quiet")).body).toMatchObject({ data: [], total: 0, totalIsExact: true })
    expect((await doctor.get(`/doctors/${profile.id}`)).status).toBe(200)
    await doctor.patch("/doctors/me", { active: true })
    expect((await doctor.get("/doctors/search?name=quiet")).body.total).toBe(1)
  })

  test("a patient who moves to another city hears of that city's doctors from then on", async () => {
    const { patient } = await clinicOf(api)
    const before = await lastSeq()
    await patient.patch("/patients/me", { phone: "+1 555 0100" })
    await patient.patch("/patients/me", { city: "Boston" })
    expect([...(await eventsSince(before))]).toEqual([{ name: "access:changed", data: { uid: patient.uid }, rooms: [] }])
  })

  test("is for one's own role only", async () => {
    const { doctor, patient, clinicId } = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    for (const other of [patient, desk, api.person()]) expect((await other.patch("/doctors/me", { bio: "x" })).status).toBe(403)
    for (const other of [doctor, desk, api.person()]) expect((await other.patch("/patients/me", { city: "x" })).status).toBe(403)
    expect((await desk.get("/me")).body).toEqual({
      uid: desk.uid,
      role: "RECEPTIONIST",
      receptionist: { id: expect.any(String), clinicId, name: "Rae", status: "ACTIVE" },
    })
  })
})
