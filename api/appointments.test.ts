import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { sealAudit } from "../core/audit/seal.ts"
import { openLog } from "../core/log.ts"
import { clinicOf, doctorInput, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

async function counts() {
  const [row] = await api.database.pool`
    select (select count(*) from appointments) as appointments, (select count(*) from events where name like 'appointment:%') as events`
  return row
}

const eventsOf = (appointmentId: string) =>
  api.database.pool<{ name: string; data: Record<string, unknown>; rooms: string[] }[]>`
    select name, data, rooms from events where subject = ${`appointment:${appointmentId}`} and rooms <> '{}' order by seq`

describe("booking", () => {
  test("a patient books a free slot, and the doctor and the desk are told in the same transaction", async () => {
    const { patient, doctorId, clinicId, patientId, slots } = await clinicOf(api)
    const slot = slots[3]
    const { status, body } = await patient.post("/appointments", { doctorId, scheduledAt: slot?.start, reason: "General checkup" })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      doctorId,
      doctorName: doctorInput.name,
      patientId,
      patientName: "Pat Jones",
      clinicId,
      scheduledAt: slot?.start,
      endsAt: slot?.end,
      status: "PENDING",
      type: "IN_PERSON",
      reason: "General checkup",
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect([...(await eventsOf(body.id))]).toEqual([
      {
        name: "appointment:new",
        data: { appointmentId: body.id, patientName: "Pat Jones", scheduledAt: slot?.start, reason: "General checkup" },
        rooms: [`doctor:${doctorId}`, `desk:${clinicId}`],
      },
    ])
  })

  test("a booked slot is no longer offered, and is offered again when the booking is cancelled", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    const start = slots[0]?.start as string
    const offered = async () => {
      const { body } = await patient.get(`/doctors/${doctorId}/availability?date=${encodeURIComponent(start)}`)
      return body.slots.some((s: { start: string }) => s.start === start)
    }
    const { body } = await patient.post("/appointments", { doctorId, scheduledAt: start })
    expect(await offered()).toBe(false)
    expect((await patient.put(`/appointments/${body.id}`, { status: "CANCELLED" })).status).toBe(200)
    expect(await offered()).toBe(true)
  })

  test("of 500 who book one slot at the same time, exactly one gets it, within two seconds, and one event is announced", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    const before = await counts()
    const started = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 500 }, () => patient.post("/appointments", { doctorId, scheduledAt: slots[7]?.start })),
    )
    expect(performance.now() - started).toBeLessThan(2_000)
    expect(answers.filter((a) => a.status === 201)).toHaveLength(1)
    expect(answers.filter((a) => a.status === 409)).toHaveLength(499)
    expect(await counts()).toEqual({ appointments: before?.appointments + 1, events: before?.events + 1 })
  })

  test("of two overlapping slots of different lengths, asked for by 500 at once, exactly one is booked", async () => {
    const { doctor, patient, doctorId, slots } = await clinicOf(api)
    const start = slots[8]?.start as string // on the half hour; with 45 minutes the grid has the slot before it, which overlaps
    const day = start.slice(0, 10)
    await doctor.patch("/doctors/me", { slotMinutes: 45 })
    const long: { start: string; end: string }[] = (await patient.get(`/doctors/${doctorId}/availability?date=${day}`)).body.slots
    const overlapping =
      long.find((s) => s.start < start && s.end > start) ?? long.find((s) => s.start > start && s.start < (slots[8]?.end as string))
    await doctor.patch("/doctors/me", { slotMinutes: 30 })
    const before = await counts()
    const shortOnes = Array.from({ length: 250 }, () => patient.post("/appointments", { doctorId, scheduledAt: start }))
    await doctor.patch("/doctors/me", { slotMinutes: 45 })
    const longOnes = Array.from({ length: 250 }, () => patient.post("/appointments", { doctorId, scheduledAt: overlapping?.start }))
    const answers = await Promise.all([...shortOnes, ...longOnes])
    expect(answers.filter((a) => a.status === 201)).toHaveLength(1)
    // Those who asked for a slot of the old length after the change are told that it is none.
    expect(answers.every((a) => [201, 409, 422].includes(a.status))).toBe(true)
    expect(await counts()).toEqual({ appointments: before?.appointments + 1, events: before?.events + 1 })
  })

  test("a taken slot is refused with up to three next free ones, which can be booked", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    await patient.post("/appointments", { doctorId, scheduledAt: slots[1]?.start })
    const { status, headers, body } = await patient.post("/appointments", { doctorId, scheduledAt: slots[1]?.start })
    expect(status).toBe(409)
    expect(headers.get("content-type")).toBe("application/problem+json")
    expect(body).toMatchObject({ title: "Conflict", status: 409, instance: "/api/v1/appointments", nextSlots: slots.slice(2, 5) })
    expect((await patient.post("/appointments", { doctorId, scheduledAt: body.nextSlots[0].start })).status).toBe(201)
  })

  test("a time that is no slot of the doctor, is past, or belongs to a doctor who takes none is refused and nothing is written", async () => {
    const { doctor, patient, doctorId, slots } = await clinicOf(api)
    const before = await counts()
    const offGrid = new Date(new Date(slots[0]?.start as string).getTime() + 60_000).toISOString()
    for (const scheduledAt of [offGrid, "2020-01-01T10:00:00Z"]) {
      const { status, body } = await patient.post("/appointments", { doctorId, scheduledAt })
      expect(status).toBe(422)
      expect(body.errors[0].path).toBe("scheduledAt")
    }
    await doctor.patch("/doctors/me", { active: false })
    expect((await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })).status).toBe(422)
    expect((await patient.get(`/doctors/${doctorId}/availability?date=${slots[0]?.start.slice(0, 10)}`)).body.slots).toEqual([])
    expect(await counts()).toEqual(before)
  })

  test("a booking made right after the doctor changed hours is decided on the new hours", async () => {
    const { doctor, patient, doctorId, slots } = await clinicOf(api)
    expect((await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })).status).toBe(201)
    await doctor.patch("/doctors/me", { workingHours: {} })
    expect((await patient.post("/appointments", { doctorId, scheduledAt: slots[2]?.start })).status).toBe(422)
    await doctor.patch("/doctors/me", { workingHours: doctorInput.workingHours })
    expect((await patient.post("/appointments", { doctorId, scheduledAt: slots[2]?.start })).status).toBe(201)
  })

  test("whose patient's row is held up is told so soon, and nobody else's booking waits for it", async () => {
    const held = await clinicOf(api)
    const free = await clinicOf(api)
    const blocker = await api.database.pool.reserve()
    await blocker`begin`
    await blocker`select from patients where id = ${held.patientId} for update`
    const stuck = held.slots.slice(0, 3).map((s) => held.patient.post("/appointments", { doctorId: held.doctorId, scheduledAt: s.start }))
    const others = free.slots.slice(0, 20).map((s) => free.patient.post("/appointments", { doctorId: free.doctorId, scheduledAt: s.start }))
    expect((await Promise.all(others)).map((a) => a.status)).toEqual(Array(20).fill(201))
    for (const answer of await Promise.all(stuck)) expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"])
    await blocker`rollback`
    blocker.release()
    expect((await held.patient.post("/appointments", { doctorId: held.doctorId, scheduledAt: held.slots[0]?.start })).status).toBe(201)
  }, 15_000)

  test("a patient may name themselves in upper case", async () => {
    const { patient, doctorId, patientId, slots } = await clinicOf(api)
    const input = { doctorId: doctorId.toUpperCase(), patientId: patientId.toUpperCase(), scheduledAt: slots[0]?.start }
    expect((await patient.post("/appointments", input)).body).toMatchObject({ doctorId, patientId })
  })

  test("the event carries the patient's present name, however lately it changed", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })
    await patient.patch("/patients/me", { name: "Pat Smith" })
    const { body } = await patient.post("/appointments", { doctorId, scheduledAt: slots[1]?.start })
    expect(body.patientName).toBe("Pat Smith")
    expect((await eventsOf(body.id))[0]?.data.patientName).toBe("Pat Smith")
  })
})

describe("who may book", () => {
  test("the clinic's receptionist books for a patient; another clinic's, a pending one and a doctor do not, and nobody for somebody else", async () => {
    const { doctor, patient, doctorId, clinicId, patientId, slots } = await clinicOf(api)
    const other = await clinicOf(api)
    const input = { doctorId, scheduledAt: slots[0]?.start, patientId }
    const before = await counts()
    expect((await (await receptionistOf(api, other.clinicId)).post("/appointments", input)).status).toBe(404)
    expect((await (await receptionistOf(api, clinicId, "PENDING")).post("/appointments", input)).status).toBe(403)
    expect((await doctor.post("/appointments", input)).status).toBe(403)
    expect((await api.person().post("/appointments", input)).status).toBe(403)
    expect((await other.patient.post("/appointments", input)).status).toBe(403)
    const desk = await receptionistOf(api, clinicId)
    expect((await desk.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })).status).toBe(422)
    expect((await desk.post("/appointments", { ...input, patientId: Bun.randomUUIDv7() })).status).toBe(404)
    expect(await counts()).toEqual(before)
    expect((await desk.post("/appointments", input)).body).toMatchObject({ patientId, patientName: "Pat Jones" })
    expect((await patient.get("/appointments")).body.data).toHaveLength(1)
  })

  test("a desk finds nobody who has never been there, books for who gave it their id, finds them from then on, and they read of it", async () => {
    const { patient, patientId } = await clinicOf(api)
    const { clinicId, doctorId, slots } = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    const find = async () => ((await desk.get("/patients?name=Pat")).body.data as { id: string }[]).map(({ id }) => id)
    expect(await find()).not.toContain(patientId)
    expect((await desk.post("/payments", { doctorId, patientId, amount: 1, method: "CASH" })).status).toBe(404)
    const { status, body } = await desk.post("/appointments", { doctorId, patientId, scheduledAt: slots[0]?.start })
    expect([status, body.patientName]).toEqual([201, "Pat Jones"])
    expect(await find()).toContain(patientId)
    await sealAudit(api.database.pool, openLog("test", "silent"))
    const read = (await patient.get("/audit/me")).body.data
    expect(read).toContainEqual(expect.objectContaining({ action: "CREATE", actorRole: "RECEPTIONIST", resourceId: body.id }))
  })
})

describe("changing", () => {
  const legal: Record<string, string[]> = {
    PENDING: ["CONFIRMED", "REJECTED", "CANCELLED"],
    CONFIRMED: ["WAITING", "CANCELLED", "NO_SHOW"],
    WAITING: ["IN_PROGRESS", "CANCELLED", "NO_SHOW"],
    IN_PROGRESS: ["COMPLETED"],
    REJECTED: [],
    CANCELLED: [],
    COMPLETED: [],
    NO_SHOW: [],
  }

  test("every move of the state machine works, every other one is refused naming both states, and each is announced once", async () => {
    const { doctor, patient, doctorId, patientId, clinicId, slots } = await clinicOf(api)
    const { body: booked } = await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })
    let version = 1
    for (const from of Object.keys(legal)) {
      for (const to of Object.keys(legal)) {
        await api.database.pool`update appointments set status = ${from} where id = ${booked.id}`
        const { status, body } = await doctor.put(`/appointments/${booked.id}`, { status: to })
        if (legal[from]?.includes(to)) {
          version++
          expect([status, body.status, body.version]).toEqual([200, to, version])
        } else {
          expect(status).toBe(409)
          expect(body.detail).toContain(from)
          expect(body.detail).toContain(to)
        }
      }
    }
    const updates = (await eventsOf(booked.id)).slice(1)
    expect(updates).toHaveLength(version - 1)
    expect(updates[0]).toEqual({
      name: "appointment:update",
      data: { appointmentId: booked.id, status: "CONFIRMED", scheduledAt: slots[0]?.start },
      rooms: [`doctor:${doctorId}`, `patient:${patientId}`, `desk:${clinicId}`],
    })
  })

  test("a patient cancels and reschedules, nothing else; rescheduling goes back to PENDING and frees the old slot", async () => {
    const { doctor, patient, doctorId, slots } = await clinicOf(api)
    const { body: booked } = await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })
    expect((await patient.put(`/appointments/${booked.id}`, { status: "CONFIRMED" })).status).toBe(403)
    await doctor.put(`/appointments/${booked.id}`, { status: "CONFIRMED" })
    expect((await doctor.put(`/appointments/${booked.id}`, { scheduledAt: slots[1]?.start })).status).toBe(403)
    // What a role may never do is refused as that, however old the screen is.
    expect((await patient.put(`/appointments/${booked.id}`, { status: "CONFIRMED", version: 9 })).status).toBe(403)
    const { status, body } = await patient.put(`/appointments/${booked.id}`, { scheduledAt: slots[1]?.start })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: "PENDING", scheduledAt: slots[1]?.start, endsAt: slots[1]?.end, version: 3 })
    expect((await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })).status).toBe(201)
    const taken = await patient.put(`/appointments/${booked.id}`, { scheduledAt: slots[0]?.start })
    expect([taken.status, taken.body.nextSlots.length]).toEqual([409, 3])
    expect((await patient.put(`/appointments/${booked.id}`, { scheduledAt: "2020-01-01T10:00:00Z" })).status).toBe(422)
    expect((await eventsOf(booked.id)).map((e) => e.data.status)).toEqual([undefined, "CONFIRMED", "PENDING"])
  })

  test("an appointment whose time has come cannot be rescheduled", async () => {
    const { patient, doctorId, slots } = await clinicOf(api)
    const { body: booked } = await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })
    await api.database
      .pool`update appointments set during = tstzrange(now() - interval '1 minute', now() + interval '29 minutes') where id = ${booked.id}`
    expect((await patient.put(`/appointments/${booked.id}`, { scheduledAt: slots[1]?.start })).status).toBe(409)
  })

  test("a stale version is refused, and of many changes made from one version exactly one succeeds", async () => {
    const { doctor, patient, doctorId, slots } = await clinicOf(api)
    const { body: booked } = await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })
    const answers = await Promise.all([
      ...Array.from({ length: 20 }, () => doctor.put(`/appointments/${booked.id}`, { status: "CONFIRMED", version: 1 })),
      ...Array.from({ length: 20 }, () => patient.put(`/appointments/${booked.id}`, { status: "CANCELLED", version: 1 })),
      ...Array.from({ length: 20 }, () => patient.put(`/appointments/${booked.id}`, { scheduledAt: slots[1]?.start, version: 1 })),
    ])
    expect(answers.filter((a) => a.status === 200)).toHaveLength(1)
    expect(answers.filter((a) => a.status === 409)).toHaveLength(59)
    expect(await eventsOf(booked.id)).toHaveLength(2)
  })

  test("rivals without a version are each decided on the state the other left", async () => {
    const { doctor, patient, doctorId, slots } = await clinicOf(api)
    const { body: booked } = await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => doctor.put(`/appointments/${booked.id}`, { status: "REJECTED" })),
      ...Array.from({ length: 10 }, () => patient.put(`/appointments/${booked.id}`, { status: "CANCELLED" })),
    ])
    expect(answers.filter((a) => a.status === 200)).toHaveLength(1)
    expect(answers.every((a) => a.status === 200 || a.status === 409)).toBe(true)
  })
})

describe("who may see and change", () => {
  test("only its parties see an appointment; to all others it is not there, and nothing is changed", async () => {
    const { doctor, patient, doctorId, clinicId, slots } = await clinicOf(api)
    const other = await clinicOf(api)
    const { body: booked } = await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })
    const desk = await receptionistOf(api, clinicId)
    for (const party of [doctor, patient, desk]) expect((await party.get(`/appointments/${booked.id}`)).body).toEqual(booked)
    const strangers = [other.doctor, other.patient, await receptionistOf(api, other.clinicId)]
    for (const stranger of strangers) {
      expect((await stranger.get(`/appointments/${booked.id}`)).status).toBe(404)
      expect((await stranger.put(`/appointments/${booked.id}`, { status: "CANCELLED" })).status).toBe(404)
      expect((await stranger.get("/appointments")).body.data).toEqual([])
    }
    const revoked = await receptionistOf(api, clinicId, "REVOKED")
    expect((await revoked.get(`/appointments/${booked.id}`)).status).toBe(403)
    expect((await revoked.get("/appointments")).status).toBe(403)
    expect((await api.person().get(`/appointments/${booked.id}`)).status).toBe(403)
    expect((await patient.get(`/appointments/${booked.id}`)).body).toEqual(booked)
    expect((await desk.put(`/appointments/${booked.id}`, { status: "CONFIRMED" })).status).toBe(200)
  })
})

describe("the list", () => {
  test("pages by cursor in the order of time, each appointment once, with status and time filters", async () => {
    const { doctor, patient, doctorId, slots } = await clinicOf(api)
    for (const slot of slots.slice(0, 7)) await patient.post("/appointments", { doctorId, scheduledAt: slot.start })
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const { body } = await doctor.get(`/appointments?limit=3${cursor ? `&cursor=${cursor}` : ""}`)
      seen.push(...body.data.map((a: { scheduledAt: string }) => a.scheduledAt))
      cursor = body.nextCursor
    } while (cursor)
    expect(seen).toEqual(slots.slice(0, 7).map((s) => s.start))
    const between = await patient.get(`/appointments?from=${slots[2]?.start}&to=${slots[5]?.start}&status=PENDING`)
    expect(between.body.data.map((a: { scheduledAt: string }) => a.scheduledAt)).toEqual(slots.slice(2, 5).map((s) => s.start))
    expect((await patient.get("/appointments?status=COMPLETED")).body).toEqual({ data: [], nextCursor: null })
    const nobodys = await doctor.get("/appointments?limit=100&from=2099-01-01T00:00:00Z")
    expect(nobodys.body).toEqual({ data: [], nextCursor: null })
    for (const bad of ["cursor=x", "limit=0", "limit=101", "status=LATE", "from=yesterday", "limit=2&limit=3", "cursor=%ff"])
      expect((await patient.get(`/appointments?${bad}`)).status).toBe(400)
  })

  test("of the front desk merges all the clinic's doctors by time, page by page, and no other clinic's", async () => {
    const { patient, doctorId, clinicId, profile, slots } = await clinicOf(api)
    const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
    const joining = { ...practice, clinicId, clinicVerificationCode: profile.clinicVerificationCode }
    const colleague = (await api.person().post("/doctors", joining)).body.id
    const elsewhere = await clinicOf(api)
    await elsewhere.patient.post("/appointments", { doctorId: elsewhere.doctorId, scheduledAt: slots[0]?.start })
    for (const [n, slot] of slots.slice(0, 8).entries())
      await patient.post("/appointments", { doctorId: n % 3 === 0 ? colleague : doctorId, scheduledAt: slot.start })
    const desk = await receptionistOf(api, clinicId)
    const seen: { scheduledAt: string; doctorId: string }[] = []
    let cursor: string | null = ""
    while (cursor !== null) {
      const { body } = await desk.get(`/appointments?limit=3${cursor && `&cursor=${cursor}`}`)
      seen.push(...body.data)
      cursor = body.nextCursor
    }
    expect(seen.map((a) => [a.scheduledAt, a.doctorId])).toEqual(
      slots.slice(0, 8).map((s, n) => [s.start, n % 3 === 0 ? colleague : doctorId]),
    )
  })
})
