import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { openPool, type Pool } from "../core/db.ts"
import type { Event } from "../core/events/catalog.ts"
import { announce } from "../core/events/log.ts"
import { Publisher } from "../core/events/publisher.ts"
import { findLog, hasUnpublished } from "../core/events/queries.ts"
import { openLog } from "../core/log.ts"
import { openRedis } from "../core/redis.ts"
import { type Answer, clinicOf, type Person, receptionistOf, request, type TestApi, testApi } from "../tests/harness/api.ts"
import { until } from "../tests/harness/services.ts"

let api: TestApi
let session: Pool
let publisher: Publisher
let closeRedis: () => void
beforeAll(async () => {
  api = await testApi()
  session = openPool(api.database.url, { max: 1, name: "publisher" })
  const redis = openRedis(api.redis.config, { name: "publisher" })
  closeRedis = () => redis.disconnect()
  publisher = new Publisher({ session, redis, log: openLog("test", "silent"), streamMaxEvents: 1_000 })
})
afterAll(async () => {
  await publisher.close()
  await session.end()
  closeRedis()
  await api[Symbol.asyncDispose]()
})

/** Until all that is committed has its offset: a turn may be the API's own. */
async function published(): Promise<void> {
  await publisher.sweep()
  await until("everything is published", async () => !(await hasUnpublished(api.database.pool)))
}

/** Announces and publishes. Returns the log's head. */
async function tell(...events: Event[]): Promise<number> {
  await published()
  await announce(api.database.pool, ...events)
  await published()
  return (await findLog(api.database.pool)).head
}

const NOBODY = "00000000-0000-7000-8000-000000000000"

function update(about: { doctorId?: string; patientId?: string; clinicId?: string }): Event {
  return {
    name: "appointment:update",
    data: { appointmentId: Bun.randomUUIDv7(), status: "CONFIRMED", scheduledAt: "2030-01-01T10:00:00Z" },
    about: { doctorId: NOBODY, patientId: NOBODY, clinicId: NOBODY, ...about },
  }
}

const updates = (count: number, about: Parameters<typeof update>[0]) => Array.from({ length: count }, () => update(about))
const newDoctor = (city: string): Event => ({ name: "doctor:new", data: { doctorId: NOBODY, city }, about: { city } })

async function patientOf(city: string | null = null): Promise<{ patient: Person; patientId: string }> {
  const patient = api.person()
  const { body } = await patient.post("/patients", { name: "Pat Jones", city })
  await published()
  return { patient, patientId: body.id }
}

const offsets = (answer: Answer): number[] => answer.body.data.map((n: { offset: number }) => n.offset)
const markOf = async (person: Person) => {
  const [row] = await api.database.pool`select read_up_to from accounts where uid = ${person.uid}`
  return row?.read_up_to
}

describe("listing", () => {
  test("a doctor, a patient and a desk each find what their sockets hear, with the payload and the meta of the socket", async () => {
    const { doctor, patient, doctorId, clinicId, patientId } = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    // Their own onboarding may have been published before or after they came.
    await published()
    const upTo = (await findLog(api.database.pool)).head
    for (const person of [doctor, patient, desk]) await person.put("/notifications/read", { upTo })
    const event = update({ doctorId, patientId, clinicId })
    const head = await tell(event)
    const [row] = await api.database.pool`select id, occurred_at from events where "offset" = ${head}`
    for (const person of [doctor, patient, desk]) {
      const { status, body } = await person.get("/notifications?limit=1")
      expect(status).toBe(200)
      expect(body.data).toEqual([
        {
          id: row?.id,
          offset: head,
          name: "appointment:update",
          data: event.data,
          occurredAt: row?.occurred_at.toISOString(),
          read: false,
        },
      ])
      expect(body.unread).toBe(1)
    }
  })

  test("the newest come first, page after page, each once, while new ones arrive", async () => {
    const { patient, patientId } = await patientOf("Lyon")
    await tell(...Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? newDoctor("LYON") : update({ patientId }))))
    const all = offsets(await patient.get("/notifications"))
    expect(all).toHaveLength(12)
    expect(all).toEqual([...all].sort((a, b) => b - a))
    const paged: number[] = []
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: Answer = await patient.get(`/notifications?limit=5${cursor && `&cursor=${cursor}`}`)
      paged.push(...offsets(page))
      cursor = page.body.nextCursor
      await tell(update({ patientId }))
    }
    expect(paged).toEqual(all)
    expect((await patient.get("/notifications?limit=15")).body.nextCursor).toBeNull()
  })

  test("twenty come by default, a hundred at most, and the last page has no cursor", async () => {
    const { patient, patientId } = await patientOf()
    await tell(...updates(101, { patientId }))
    expect((await patient.get("/notifications")).body.data).toHaveLength(20)
    const { body } = await patient.get("/notifications?limit=100")
    expect(body.data).toHaveLength(100)
    const rest = await patient.get(`/notifications?limit=100&cursor=${body.nextCursor}`)
    expect([rest.body.data.length, rest.body.nextCursor, rest.body.unread]).toEqual([1, null, 101])
  })

  test("what others hear, and what is internal, is never among them", async () => {
    const { patient, patientId } = await patientOf("Ghent")
    const other = await patientOf("Bruges")
    const head = await tell(
      update({ patientId: other.patientId }),
      newDoctor("Bruges"),
      { name: "access:changed", data: { uid: patient.uid }, about: { uid: patient.uid } },
      update({ patientId }),
    )
    expect(offsets(await patient.get("/notifications"))).toEqual([head])
    expect(offsets(await other.patient.get("/notifications"))).toEqual([head - 2, head - 3])
  })

  test("what was told before someone came is listed as read, and what comes then is unread", async () => {
    const before = await tell(newDoctor("Turin"), newDoctor("Turin"))
    const { patient } = await patientOf("Turin")
    const first = await patient.get("/notifications")
    expect([offsets(first), first.body.unread]).toEqual([[before, before - 1], 0])
    expect(first.body.data.every((n: { read: boolean }) => n.read)).toBe(true)
    await tell(newDoctor("turin"))
    expect((await patient.get("/notifications")).body.unread).toBe(1)
  })

  test("a patient who moves hears the new city's and no longer the old one's, at once", async () => {
    const { patient } = await patientOf("Porto")
    const porto = await tell(newDoctor("Porto"))
    const faro = await tell(newDoctor("Faro"))
    expect(offsets(await patient.get("/notifications"))).toEqual([porto])
    expect((await patient.patch("/patients/me", { city: "Faro" })).status).toBe(200)
    expect(offsets(await patient.get("/notifications"))).toEqual([faro])
  })

  test("what is no longer kept is neither listed nor counted", async () => {
    const { patient, patientId } = await patientOf()
    const head = await tell(...updates(5, { patientId }))
    const { pool } = api.database
    await pool`update event_log set floor = ${head - 2}`
    const { body } = await patient.get("/notifications?limit=2")
    expect([body.data.map((n: { offset: number }) => n.offset), body.unread, body.nextCursor]).toEqual([[head, head - 1], 2, null])
    await pool`update event_log set floor = 0`
  })
})

describe("reading", () => {
  test("what was read stays read: the mark only moves forward, and the count follows it", async () => {
    const { patient, patientId } = await patientOf()
    const head = await tell(...updates(4, { patientId }))
    const read = async (upTo: number) => (await patient.put("/notifications/read", { upTo })).body
    expect(await read(0)).toEqual({ unread: 4 })
    expect(await read(head - 2)).toEqual({ unread: 2 })
    const flags = (await patient.get("/notifications")).body.data.map((n: { offset: number; read: boolean }) => [n.offset, n.read])
    expect(flags).toEqual([
      [head, false],
      [head - 1, false],
      [head - 2, true],
      [head - 3, true],
    ])
    expect(await read(head - 3)).toEqual({ unread: 2 })
    expect(await read(head)).toEqual({ unread: 0 })
    await tell(update({ patientId }))
    expect((await patient.get("/notifications")).body.unread).toBe(1)
  })

  test("of many marks set at once the highest stands", async () => {
    const { patient, patientId } = await patientOf()
    const head = await tell(...updates(20, { patientId }))
    await Promise.all(Array.from({ length: 20 }, (_, i) => patient.put("/notifications/read", { upTo: head - ((i * 7) % 20) })))
    expect(await markOf(patient)).toBe(head)
  })

  test("an event that two of one's rooms hear counts once", async () => {
    const { doctor, doctorId, clinicId } = await clinicOf(api)
    const head = await tell(update({ doctorId, clinicId }))
    await api.database.pool`insert into room_events (room, "offset") values (${`clinic-doctors:${clinicId}`}, ${head})`
    expect((await doctor.put("/notifications/read", { upTo: head - 1 })).body).toEqual({ unread: 1 })
    expect(offsets(await doctor.get("/notifications")).filter((o) => o === head)).toHaveLength(1)
  })

  test("one person's mark is nobody else's", async () => {
    const { clinicId } = await clinicOf(api)
    const [one, two] = [await receptionistOf(api, clinicId), await receptionistOf(api, clinicId)]
    const head = await tell(update({ clinicId }))
    expect((await one.put("/notifications/read", { upTo: head })).body).toEqual({ unread: 0 })
    expect((await two.get("/notifications")).body.unread).toBe(1)
  })
})

describe("who may", () => {
  test("someone without a profile, and a receptionist who waits to be accepted, find an empty list", async () => {
    const { clinicId } = await clinicOf(api)
    const head = await tell(update({ clinicId }))
    for (const person of [api.person(), await receptionistOf(api, clinicId, "PENDING")]) {
      expect((await person.get("/notifications")).body).toEqual({ data: [], unread: 0, nextCursor: null })
      const read = await person.put("/notifications/read", { upTo: head })
      expect([read.status, read.body]).toEqual([200, { unread: 0 }])
    }
  })

  test("a receptionist whom the clinic has turned away is refused, and nothing is marked", async () => {
    const { clinicId } = await clinicOf(api)
    for (const status of ["REVOKED", "REJECTED"]) {
      const person = await receptionistOf(api, clinicId, status)
      const before = await markOf(person)
      const head = await tell(update({ clinicId }))
      expect((await person.get("/notifications")).status).toBe(403)
      expect((await person.put("/notifications/read", { upTo: head })).status).toBe(403)
      expect(await markOf(person)).toBe(before)
    }
  })

  test("without a valid token both are refused", async () => {
    for (const init of [{}, { headers: { authorization: "Bearer nonsense" } }]) {
      expect((await request(`${api.url}/api/v1/notifications`, init)).status).toBe(401)
      const put = { ...init, method: "PUT", body: '{"upTo":1}' }
      expect((await request(`${api.url}/api/v1/notifications/read`, put)).status).toBe(401)
    }
  })
})

describe("bad input", () => {
  const notCursor = ["", "0", "-1", "1.5", "1e3", "abc", "%00", "+5", " 5", "1".repeat(16), "NaN", "%ff"]
  const notLimit = ["", "0", "101", "-1", "1.5", "ten", "1e1", "%00"]
  for (const [name, values] of Object.entries({ cursor: notCursor, limit: notLimit }))
    test(`a bad ${name} is answered 400 by its name`, async () => {
      const { patient } = await patientOf()
      for (const value of values) {
        const { status, body } = await patient.get(`/notifications?${name}=${value}`)
        expect([value, status, body.title]).toEqual([value, 400, "Bad Request"])
        if (value !== "%ff") expect(body.errors.map((e: { path: string }) => e.path)).toEqual([name])
      }
      expect((await patient.get(`/notifications?${name}=1&${name}=2`)).status).toBe(400)
    })

  test("a bad upTo is answered 422 by its name, and nothing is marked", async () => {
    const { patient, patientId } = await patientOf()
    const head = await tell(update({ patientId }))
    const before = await markOf(patient)
    for (const upTo of [-1, 0.5, "1", null, true, [], {}, head + 1, 2 ** 53, 1e300]) {
      const { status, body } = await patient.put("/notifications/read", { upTo })
      expect([upTo, status, body.errors?.[0]?.path]).toEqual([upTo, 422, "upTo"])
    }
    expect((await patient.put("/notifications/read", '{"upTo":1e400}')).status).toBe(422)
    expect((await patient.put("/notifications/read", {})).body.errors[0].path).toBe("upTo")
    expect((await patient.put("/notifications/read", { upTo: head, uid: "other" })).body.errors[0].path).toBe("uid")
    expect((await patient.put("/notifications/read", '{"upTo":')).status).toBe(400)
    expect((await api.person().put("/notifications/read", { upTo: head + 1_000 })).status).toBe(422)
    expect(await markOf(patient)).toBe(before)
  })

  test("other methods are answered 405 with those that are allowed", async () => {
    const { patient } = await patientOf()
    const posted = await patient.post("/notifications", {})
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"])
    expect((await patient.get("/notifications/read")).status).toBe(405)
  })
})
