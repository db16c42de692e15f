import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { sweepQueues } from "../core/queue/lapse.ts"
import { clinicOf, doctorInput, type Person, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

type Clinic = Awaited<ReturnType<typeof openClinic>>

async function openClinic() {
  const clinic = await clinicOf(api)
  return { ...clinic, desk: await receptionistOf(api, clinic.clinicId) }
}

/** Books, confirms and checks in so many, one after the other. Returns their appointments' ids. */
async function checkIn(clinic: Clinic, count: number, from = 0): Promise<string[]> {
  const ids: string[] = []
  for (const slot of clinic.slots.slice(from, from + count)) {
    const { body } = await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: slot.start })
    for (const status of ["CONFIRMED", "WAITING"]) expect((await clinic.desk.put(`/appointments/${body.id}`, { status })).status).toBe(200)
    ids.push(body.id)
  }
  return ids
}

async function colleagueOf(clinic: Clinic) {
  const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
  const colleague = api.person()
  const join = { clinicId: clinic.clinicId, clinicVerificationCode: clinic.profile.clinicVerificationCode }
  const { body } = await colleague.post("/doctors", { ...practice, ...join })
  return Object.assign(colleague, { doctorId: body.id as string })
}

const queueOf = async (someone: Person) => (await someone.get("/receptionists/queue")).body
const waitingIds = async (someone: Person): Promise<string[]> =>
  (await queueOf(someone)).waiting.map((w: { appointmentId: string }) => w.appointmentId)
const callNext = ({ desk, doctorId }: Clinic) => desk.post("/receptionists/queue/next", { doctorId })

const eventsSince = (seq: number) =>
  api.database.pool<{ name: string; data: Record<string, unknown>; rooms: string[] }[]>`
    select name, data, rooms from events where seq > ${seq} order by seq`
const lastSeq = async () => (await api.database.pool`select coalesce(max(seq), 0) as seq from events`)[0]?.seq as number

describe("the queue", () => {
  test("a check-in puts the patient in it and tells the clinic and the patient, all in one transaction", async () => {
    const clinic = await openClinic()
    const before = await lastSeq()
    const [id] = await checkIn(clinic, 1)
    const queue = await queueOf(clinic.desk)
    expect(queue).toEqual({
      clinicId: clinic.clinicId,
      updatedAt: expect.any(String),
      inProgress: [],
      waiting: [
        {
          position: 1,
          appointmentId: id,
          patientName: "Pat Jones",
          doctorId: clinic.doctorId,
          scheduledAt: clinic.slots[0]?.start,
          checkedInAt: expect.any(String),
          priority: 0,
          estimatedStart: expect.any(String),
        },
      ],
    })
    expect(Date.now() - new Date(queue.waiting[0].checkedInAt).getTime()).toBeWithin(-1_000, 10_000)
    expect(new Date(queue.waiting[0].estimatedStart).getTime() - Date.now()).toBeWithin(-1_000, 61_000)
    const events = (await eventsSince(before)).slice(-3)
    expect([...events]).toEqual([
      {
        name: "appointment:update",
        data: { appointmentId: id, status: "WAITING", scheduledAt: clinic.slots[0]?.start },
        rooms: [`doctor:${clinic.doctorId}`, `patient:${clinic.patientId}`, `desk:${clinic.clinicId}`],
      },
      {
        name: "queue:update",
        data: { clinicId: clinic.clinicId, waiting: 1, inProgress: 0 },
        rooms: [`desk:${clinic.clinicId}`, `clinic-doctors:${clinic.clinicId}`],
      },
      {
        name: "queue:position",
        data: { appointmentId: id, position: 1, estimatedStart: expect.any(String) },
        rooms: [`patient:${clinic.patientId}`],
      },
    ])
  })

  test("of a clinic where nobody has come yet is empty", async () => {
    const clinic = await openClinic()
    expect(await queueOf(clinic.doctor)).toEqual({ clinicId: clinic.clinicId, updatedAt: expect.any(String), inProgress: [], waiting: [] })
  })

  test("a visit that begins, ends, is cancelled or missed leaves the waiting list, each with its counts", async () => {
    const clinic = await openClinic()
    const [first, second, third, fourth] = (await checkIn(clinic, 4)) as [string, string, string, string]
    const before = await lastSeq()
    await clinic.desk.put(`/appointments/${first}`, { status: "IN_PROGRESS" })
    const { inProgress } = await queueOf(clinic.desk)
    expect(inProgress).toEqual([
      {
        appointmentId: first,
        patientName: "Pat Jones",
        doctorId: clinic.doctorId,
        scheduledAt: clinic.slots[0]?.start,
        checkedInAt: expect.any(String),
        priority: 0,
        startedAt: expect.any(String),
      },
    ])
    expect(await waitingIds(clinic.desk)).toEqual([second, third, fourth])
    await clinic.patient.put(`/appointments/${second}`, { status: "CANCELLED" })
    await clinic.desk.put(`/appointments/${third}`, { status: "NO_SHOW" })
    await clinic.doctor.put(`/appointments/${first}`, { status: "COMPLETED" })
    const queue = await queueOf(clinic.desk)
    expect([queue.inProgress, queue.waiting.map((w: { appointmentId: string }) => w.appointmentId)]).toEqual([[], [fourth]])
    const events = await eventsSince(before)
    const counts = events.filter((e) => e.name === "queue:update").map((e) => [e.data.waiting, e.data.inProgress])
    expect(counts).toEqual([
      [3, 1],
      [2, 1],
      [1, 1],
      [1, 0],
    ])
    const told = events.filter((e) => e.name === "queue:position" && e.data.appointmentId === fourth)
    expect(told.map((e) => e.data.position)).toEqual([3, 2, 1, 1])
  })

  test("is of one doctor at a time: positions count within the doctor", async () => {
    const clinic = await openClinic()
    const colleague = await colleagueOf(clinic)
    const [mine] = await checkIn(clinic, 1)
    const [theirs] = await checkIn({ ...clinic, doctorId: colleague.doctorId }, 1)
    const { waiting } = await queueOf(clinic.desk)
    expect(waiting.map((w: { appointmentId: string; position: number }) => [w.appointmentId, w.position])).toEqual([
      [mine, 1],
      [theirs, 1],
    ])
    expect((await callNext({ ...clinic, doctorId: colleague.doctorId })).body.id).toBe(theirs)
    expect(await waitingIds(clinic.desk)).toEqual([mine as string])
  })

  test("is for the clinic's doctors and active receptionists only; another clinic's is not there", async () => {
    const clinic = await openClinic()
    const other = await openClinic()
    const path = `/receptionists/queue?clinicId=${clinic.clinicId}`
    for (const someone of [clinic.desk, clinic.doctor, await colleagueOf(clinic)]) {
      expect((await someone.get(path)).status).toBe(200)
      expect((await someone.get(path.replace(clinic.clinicId, clinic.clinicId.toUpperCase()))).status).toBe(200)
    }
    for (const someone of [other.desk, other.doctor]) expect((await someone.get(path)).status).toBe(404)
    for (const status of ["PENDING", "REVOKED", "REJECTED"])
      expect((await (await receptionistOf(api, clinic.clinicId, status)).get(path)).status).toBe(403)
    for (const someone of [clinic.patient, api.person()]) expect((await someone.get(path)).status).toBe(403)
    for (const query of ["clinicId=", "clinicId=abc", "clinicId=%00", `clinicId=${clinic.clinicId}&clinicId=${clinic.clinicId}`])
      expect((await clinic.desk.get(`/receptionists/queue?${query}`)).status).toBe(400)
  })

  test("estimates go by the median of the doctor's last visits once there are three, mistaken and forgotten ones left out", async () => {
    const clinic = await openClinic()
    const ids = await checkIn(clinic, 8)
    const minutesBetween = async () => {
      const { waiting } = await queueOf(clinic.desk)
      const [a, b] = waiting.map((w: { estimatedStart: string }) => Date.parse(w.estimatedStart))
      return (b - a) / 60_000
    }
    const visit = async (id: string | undefined, seconds: number) => {
      await clinic.desk.put(`/appointments/${id}`, { status: "IN_PROGRESS" })
      await api.database
        .pool`update queue_entries set started_at = now() - make_interval(secs => ${seconds}) where appointment_id = ${id as string}`
      expect((await clinic.desk.put(`/appointments/${id}`, { status: "COMPLETED" })).status).toBe(200)
    }
    await visit(ids[0], 5)
    await visit(ids[1], 599)
    await visit(ids[2], 17_000)
    await visit(ids[3], 1_199)
    expect(await minutesBetween()).toBe(30)
    await visit(ids[4], 720)
    // The median in whole minutes: what it is beyond twelve shows when it carries over one.
    expect(await minutesBetween()).toBeWithin(12, 14)
  })
})

describe("calling the next patient", () => {
  test("moves the first one in, and tells all who hear of that appointment", async () => {
    const clinic = await openClinic()
    const ids = await checkIn(clinic, 2)
    const before = await lastSeq()
    const { status, body } = await callNext(clinic)
    expect([status, body.id, body.status, body.patientName]).toEqual([200, ids[0], "IN_PROGRESS", "Pat Jones"])
    expect((await clinic.patient.get(`/appointments/${ids[0]}`)).body).toEqual(body)
    const [update, queue] = await eventsSince(before)
    expect(update).toEqual({
      name: "appointment:update",
      data: { appointmentId: ids[0], status: "IN_PROGRESS", scheduledAt: clinic.slots[0]?.start },
      rooms: [`doctor:${clinic.doctorId}`, `patient:${clinic.patientId}`, `desk:${clinic.clinicId}`],
    })
    expect(queue?.data).toEqual({ clinicId: clinic.clinicId, waiting: 1, inProgress: 1 })
  })

  test("of 50 desks that call at once over 20 waiting, 20 get one each, in order, and 30 nobody", async () => {
    const clinic = await openClinic()
    const ids = await checkIn(clinic, 20)
    const desks = await Promise.all(Array.from({ length: 50 }, () => receptionistOf(api, clinic.clinicId)))
    const before = await lastSeq()
    const answers = await Promise.all(desks.map((desk) => desk.post("/receptionists/queue/next", { doctorId: clinic.doctorId })))
    expect(answers.map((a) => a.status).sort()).toEqual([...Array(20).fill(200), ...Array(30).fill(409)])
    const got = answers.filter((a) => a.status === 200).map((a) => a.body.id)
    expect(got.toSorted()).toEqual(ids.toSorted())
    const events = await eventsSince(before)
    expect(events.filter((e) => e.name === "appointment:update").map((e) => e.data.appointmentId)).toEqual(ids)
    expect(events.filter((e) => e.name === "queue:update").map((e) => [e.data.waiting, e.data.inProgress])).toEqual(
      ids.map((_, n) => [19 - n, n + 1]),
    )
    expect(await waitingIds(clinic.desk)).toEqual([])
  })

  test("while patients cancel, miss their turn, are moved and come, all is decided without a deadlock and nobody is lost or doubled", async () => {
    const clinic = await openClinic()
    const ids = await checkIn(clinic, 24)
    const calls = [
      ...Array.from({ length: 16 }, () => callNext(clinic)),
      ...ids.slice(0, 12).map((id) => clinic.patient.put(`/appointments/${id}`, { status: "CANCELLED" })),
      ...ids.slice(12).map((id, n) => clinic.desk.put(`/appointments/${id}`, { status: n % 2 ? "NO_SHOW" : "IN_PROGRESS" })),
      ...ids.map((id, n) => clinic.desk.put(`/receptionists/queue/${id}`, { priority: n % 10 })),
    ]
    const more = checkIn(clinic, 6, 24)
    const answers = await Promise.all(calls)
    expect([...new Set(answers.map((a) => a.status))].filter((s) => s !== 200 && s !== 409)).toEqual([])
    await more
    const rows = await api.database
      .pool`select status, count(*) as n from appointments where doctor_id = ${clinic.doctorId} group by status`
    const counts = Object.fromEntries(rows.map((r) => [r.status, r.n]))
    const queue = await queueOf(clinic.desk)
    expect([queue.waiting.length, queue.inProgress.length]).toEqual([counts.WAITING ?? 0, counts.IN_PROGRESS ?? 0])
    expect(Object.values(counts).reduce((a: number, b) => a + (b as number), 0)).toBe(30)
  })

  test("again under the same key gets the same patient and calls nobody else", async () => {
    const clinic = await openClinic()
    const [first, second] = await checkIn(clinic, 2)
    const call = (key: string) =>
      clinic.desk.post("/receptionists/queue/next", { doctorId: clinic.doctorId }, { "idempotency-key": `${clinic.clinicId} ${key}` })
    const answers = [await call("a"), await call("a"), await call("b")]
    expect(answers.map((a) => [a.status, a.body.id, a.headers.get("idempotency-replayed")])).toEqual([
      [200, first, null],
      [200, first, "true"],
      [200, second, null],
    ])
  })

  test("when nobody waits is 409, and nothing is written", async () => {
    const clinic = await openClinic()
    const before = await lastSeq()
    expect((await callNext(clinic)).status).toBe(409)
    expect(await lastSeq()).toBe(before)
  })

  test("is for the clinic's desk, and for a doctor's own patients", async () => {
    const clinic = await openClinic()
    const other = await openClinic()
    const colleague = await colleagueOf(clinic)
    const [id] = await checkIn(clinic, 1)
    const body = { doctorId: clinic.doctorId }
    for (const status of ["PENDING", "REVOKED"])
      expect((await (await receptionistOf(api, clinic.clinicId, status)).post("/receptionists/queue/next", body)).status).toBe(403)
    for (const someone of [clinic.patient, api.person(), colleague])
      expect((await someone.post("/receptionists/queue/next", body)).status).toBe(403)
    for (const someone of [other.desk, other.doctor]) expect((await someone.post("/receptionists/queue/next", body)).status).toBe(404)
    expect((await clinic.desk.post("/receptionists/queue/next", { doctorId: Bun.randomUUIDv7() })).status).toBe(404)
    for (const doctorId of [5, "", "abc", null, [], "a\0b"])
      expect((await clinic.desk.post("/receptionists/queue/next", { doctorId })).status).toBe(422)
    expect((await clinic.desk.post("/receptionists/queue/next", {})).body.errors[0].path).toBe("doctorId")
    expect((await clinic.desk.post("/receptionists/queue/next", { ...body, clinicId: clinic.clinicId })).body.errors[0].path).toBe(
      "clinicId",
    )
    expect(await waitingIds(clinic.desk)).toEqual([id as string])
    expect((await clinic.doctor.post("/receptionists/queue/next", body)).body.id).toBe(id)
  })
})

describe("reordering", () => {
  test("by priority and by position moves the patient, calls go by the new order, and who is affected is told", async () => {
    const clinic = await openClinic()
    const [a, b, c, d] = (await checkIn(clinic, 4)) as [string, string, string, string]
    const put = (id: string, change: unknown) => clinic.desk.put(`/receptionists/queue/${id}`, change)
    const before = await lastSeq()
    const urgent = await put(c, { priority: 5 })
    expect([urgent.status, urgent.body]).toEqual([
      200,
      {
        position: 1,
        appointmentId: c,
        patientName: "Pat Jones",
        doctorId: clinic.doctorId,
        scheduledAt: clinic.slots[2]?.start,
        checkedInAt: expect.any(String),
        priority: 5,
        estimatedStart: expect.any(String),
      },
    ])
    expect(await waitingIds(clinic.desk)).toEqual([c, a, b, d])
    const events = await eventsSince(before)
    expect(events[0]?.data).toEqual({ clinicId: clinic.clinicId, waiting: 4, inProgress: 0 })
    expect(events.slice(1, 4).map((e) => [e.data.appointmentId, e.data.position])).toEqual([
      [c, 1],
      [a, 2],
      [b, 3],
    ])
    expect((await put(d, { position: 3 })).body).toMatchObject({ position: 3, priority: 0 })
    expect(await waitingIds(clinic.desk)).toEqual([c, a, d, b])
    expect((await put(b, { position: 1 })).body).toMatchObject({ position: 1, priority: 5 })
    expect((await put(a, { priority: 9, position: 1 })).body).toMatchObject({ position: 1, priority: 9 })
    const [e] = await checkIn(clinic, 1, 4)
    expect(await waitingIds(clinic.desk)).toEqual([a, b, c, d, e as string])
    for (const id of [a, b, c, d, e]) expect((await callNext(clinic)).body.id).toBe(id)
  })

  test("is for who is waiting; by the clinic's desk, and by a doctor for their own; nothing else is touched", async () => {
    const clinic = await openClinic()
    const other = await openClinic()
    const [a, b] = (await checkIn(clinic, 2)) as [string, string]
    const path = `/receptionists/queue/${b}`
    for (const someone of [clinic.patient, api.person(), await colleagueOf(clinic), await receptionistOf(api, clinic.clinicId, "PENDING")])
      expect((await someone.put(path, { position: 1 })).status).toBe(403)
    for (const someone of [other.desk, other.doctor]) expect((await someone.put(path, { position: 1 })).status).toBe(404)
    for (const id of [Bun.randomUUIDv7(), "abc", "%00"])
      expect((await clinic.desk.put(`/receptionists/queue/${id}`, { position: 1 })).status).toBe(404)
    const bad: [unknown, string][] = [
      [{}, "position"],
      ...[-1, 10, 0.5, "1", null, [], 1e300].map((priority): [unknown, string] => [{ priority }, "priority"]),
      ...[0, -1, 3, 1.5, "1", null, 1e9].map((position): [unknown, string] => [{ position }, "position"]),
      [{ position: 1, status: "WAITING" }, "status"],
      [{ priority: 3, position: 2 }, "position"],
    ]
    for (const [body, field] of bad) {
      const answer = await clinic.desk.put(path, body)
      expect([body, answer.status, answer.body.errors[0].path]).toEqual([body, 422, field])
    }
    expect(await waitingIds(clinic.desk)).toEqual([a, b])
    expect((await clinic.doctor.put(path, { position: 1 })).status).toBe(200)
    await callNext(clinic)
    expect((await clinic.desk.put(path, { position: 1 })).status).toBe(409)
    const { body } = await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: clinic.slots[9]?.start })
    expect((await clinic.desk.put(`/receptionists/queue/${body.id}`, { position: 1 })).status).toBe(409)
  })
})

describe("an entry of yesterday", () => {
  const backdate = (id: string) => api.database.pool`
    update queue_entries set checked_in_at = checked_in_at - interval '1 day', lapses_at = lapses_at - interval '1 day' where appointment_id = ${id}`

  test("is in no list and no count, is not called and not reordered, and is swept with an event", async () => {
    const clinic = await openClinic()
    const [old, today] = (await checkIn(clinic, 2)) as [string, string]
    await backdate(old)
    expect(await waitingIds(clinic.desk)).toEqual([today])
    expect((await clinic.desk.put(`/receptionists/queue/${old}`, { priority: 9 })).status).toBe(409)
    const before = await lastSeq()
    expect(await sweepQueues(api.database.pool)).toBe(1)
    expect(await sweepQueues(api.database.pool)).toBe(0)
    const [update, position] = await eventsSince(before)
    expect(update?.data).toEqual({ clinicId: clinic.clinicId, waiting: 1, inProgress: 0 })
    expect(position?.data).toMatchObject({ appointmentId: today, position: 1 })
    expect((await callNext(clinic)).body.id).toBe(today)
    expect((await callNext(clinic)).status).toBe(409)
  })

  test("may still be seen, or marked as missed", async () => {
    const clinic = await openClinic()
    const [swept, unswept, missed] = (await checkIn(clinic, 3)) as [string, string, string]
    for (const id of [swept, missed]) await backdate(id)
    await sweepQueues(api.database.pool)
    await backdate(unswept)
    for (const id of [swept, unswept]) expect((await clinic.desk.put(`/appointments/${id}`, { status: "IN_PROGRESS" })).status).toBe(200)
    expect((await clinic.desk.put(`/appointments/${missed}`, { status: "NO_SHOW" })).status).toBe(200)
    const { inProgress } = await queueOf(clinic.desk)
    expect(inProgress.map((e: { appointmentId: string }) => e.appointmentId).toSorted()).toEqual([swept, unswept].toSorted())
  })
})
