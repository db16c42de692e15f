import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { markNoShows } from "../core/appointments/clock/no-shows.ts"
import { sealAudit } from "../core/audit/seal.ts"
import { verifyAudit } from "../core/audit/verify.ts"
import { openLog } from "../core/log.ts"
import { clinicOf, type Person, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"
import { until } from "../tests/harness/services.ts"
import { AUDIT_RULES } from "./audit-rules.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi({ TRUSTED_PROXIES: "127.0.0.0/8, ::1" })
})
afterAll(() => api[Symbol.asyncDispose]())

const log = openLog("test", "silent")
const seal = () => sealAudit(api.database.pool, log)

type Entry = { actorRole: string; actorName: string | null; action: string; resource: string; resourceId: string | null; outcome: string }

/** What the patient is told, newest first, in a line each. */
async function trailOf(patient: Person): Promise<string[]> {
  await seal()
  const { status, body } = await patient.get("/audit/me?limit=100")
  expect([status, body.nextCursor]).toEqual([200, null])
  return body.data.map((e: Entry) => `${e.actorRole} ${e.actorName} ${e.action} ${e.resource} ${e.resourceId} ${e.outcome}`)
}

/** What came to the patient's trail through this, oldest first. */
async function told<T>(patient: Person, act: () => Promise<T>): Promise<string[]> {
  const before = (await trailOf(patient)).length
  await act()
  return (await trailOf(patient)).reverse().slice(before)
}

async function scene() {
  const clinic = await clinicOf(api)
  const desk = await receptionistOf(api, clinic.clinicId)
  const stranger = api.person()
  const { body: other } = await stranger.post("/patients", { name: "Sam Stranger" })
  const book = async (slot: number) =>
    (await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: clinic.slots[slot]?.start })).body.id as string
  return { ...clinic, desk, stranger, strangerId: other.id as string, book }
}

test("every route is said to be audited or why it is not, and no other is", async () => {
  const { paths } = (await (await fetch(`${api.url}/openapi.json`)).json()) as { paths: Record<string, object> }
  const calls = Object.entries(paths)
    .filter(([path]) => path.startsWith("/api/v1/"))
    .flatMap(([path, methods]) => Object.keys(methods).map((m) => `${m.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`))
  expect(Object.keys(AUDIT_RULES).sort()).toEqual(calls.sort())
})

describe("the patient is told of", () => {
  test("every change, once, by whom it was made: booking, confirming, moving, paying, refunding", async () => {
    const { doctor, patient, desk, patientId, slots, book } = await scene()
    const name = "Dr. Ada Osei"
    expect(await trailOf(patient)).toEqual([`PATIENT Pat Jones CREATE patient ${patientId} DONE`])
    let id = ""
    expect(
      await told(patient, async () => {
        id = await book(0)
      }),
    ).toEqual([`PATIENT Pat Jones CREATE appointment ${id} DONE`])
    const line = (who: string, what: string) => `${who} CHANGE appointment ${id} ${what}`
    expect(await told(patient, () => doctor.put(`/appointments/${id}`, { status: "CONFIRMED" }))).toEqual([line(`DOCTOR ${name}`, "DONE")])
    expect(await told(patient, () => desk.put(`/appointments/${id}`, { scheduledAt: slots[5]?.start }))).toEqual([
      line("RECEPTIONIST Rae", "DONE"),
    ])
    let payment = ""
    const paid = await told(patient, async () => {
      payment = (await desk.post("/payments", { appointmentId: id, amount: 150, method: "CASH" })).body.id
      await doctor.put(`/payments/${payment}/status`, { status: "COMPLETED" })
    })
    expect(paid).toEqual([`RECEPTIONIST Rae CREATE payment ${payment} DONE`, `DOCTOR ${name} CHANGE payment ${payment} DONE`])
    expect(await told(patient, () => patient.put(`/appointments/${id}`, { status: "CANCELLED" }))).toEqual([
      line("PATIENT Pat Jones", "DONE"),
      `PATIENT Pat Jones CHANGE payment ${payment} DONE`,
    ])
    expect(await told(patient, () => patient.patch("/patients/me", { phone: "5550100" }))).toEqual([
      `PATIENT Pat Jones CHANGE patient ${patientId} DONE`,
    ])
  })

  test("what the front desk does with the queue, and a walk-in's making", async () => {
    const { patient, desk, doctorId, book } = await scene()
    const id = await book(0)
    const moves = await told(patient, async () => {
      for (const status of ["CONFIRMED", "WAITING"]) await desk.put(`/appointments/${id}`, { status })
      await desk.put(`/receptionists/queue/${id}`, { priority: 3 })
      await desk.get("/receptionists/queue")
      await desk.post("/receptionists/queue/next", { doctorId })
    })
    const by = "RECEPTIONIST Rae"
    expect(moves).toEqual([
      `${by} CHANGE appointment ${id} DONE`,
      `${by} CHANGE appointment ${id} DONE`,
      `${by} CHANGE queue ${id} DONE`,
      `${by} READ queue ${id} DONE`,
      `${by} CHANGE appointment ${id} DONE`,
    ])
    const walkIn = (await desk.post("/patients", { walkIn: true, name: "Wanda" })).body.id
    await seal()
    const [row] = await api.database.pool`select entry::json->>'action' as action from audit_log where ${walkIn}::uuid = any(patients)`
    expect(row).toEqual({ action: "CREATE" })
  })

  test("every reading, by a list or alone, of visits, payments, notifications, the day and the profile", async () => {
    const { doctor, patient, desk, patientId, book } = await scene()
    const id = await book(0)
    const payment = (await patient.post("/payments", { appointmentId: id, amount: 150, method: "CASH" })).body.id
    const d = "DOCTOR Dr. Ada Osei READ"
    expect(
      await told(patient, async () => {
        for (const path of [`/appointments/${id}`, "/appointments", `/payments/${payment}`, "/payments"]) await doctor.get(path)
      }),
    ).toEqual([
      `${d} appointment ${id} DONE`,
      `${d} appointment ${id} DONE`,
      `${d} payment ${payment} DONE`,
      `${d} payment ${payment} DONE`,
    ])
    expect(await told(patient, () => desk.get("/patients?name=Pat"))).toEqual([`RECEPTIONIST Rae READ patient ${patientId} DONE`])
    expect(await told(patient, () => patient.get("/me"))).toEqual([`PATIENT Pat Jones READ patient ${patientId} DONE`])
    const heard = await told(patient, async () => {
      await until("the booking is told", async () => (await doctor.get("/notifications")).body.data.length > 0)
    })
    expect(heard.at(-1)).toBe(`${d} notification ${id} DONE`)
    const second = await book(1)
    expect(await told(patient, () => desk.get("/appointments"))).toEqual(["RECEPTIONIST Rae READ appointment null DONE"])
    expect(second).not.toBe(id)
  })

  test("everything that was refused: by role, by party, by state, by rule; another patient is not named", async () => {
    const { doctor, patient, desk, stranger, doctorId, patientId, slots, book } = await scene()
    const id = await book(0)
    const elsewhere = await scene()
    const s = "PATIENT null"
    expect(
      await told(patient, async () => {
        expect((await stranger.get(`/appointments/${id}`)).status).toBe(404)
        expect((await stranger.put(`/appointments/${id}`, { status: "CANCELLED" })).status).toBe(404)
        expect((await stranger.post("/appointments", { doctorId, scheduledAt: slots[3]?.start, patientId })).status).toBe(403)
        expect((await stranger.post("/payments", { appointmentId: id, amount: 5, method: "CASH" })).status).toBe(404)
        expect((await stranger.put(`/receptionists/queue/${id}`, { priority: 1 })).status).toBe(403)
        expect((await elsewhere.doctor.get(`/appointments/${id}`)).status).toBe(404)
        expect((await elsewhere.desk.get(`/appointments/${id.toUpperCase()}`)).status).toBe(404)
        expect((await api.person().get(`/appointments/${id}`)).status).toBe(403)
        expect((await doctor.put(`/appointments/${id}`, { status: "COMPLETED" })).status).toBe(409)
        expect((await desk.put(`/appointments/${id}`, { status: "LOST" })).status).toBe(422)
      }),
    ).toEqual([
      `${s} READ appointment ${id} NOT_FOUND`,
      `${s} CHANGE appointment ${id} NOT_FOUND`,
      `${s} CREATE appointment ${patientId} FORBIDDEN`,
      `${s} CREATE payment ${id} NOT_FOUND`,
      `${s} CHANGE queue ${id} FORBIDDEN`,
      `DOCTOR Dr. Ada Osei READ appointment ${id} NOT_FOUND`,
      `RECEPTIONIST Rae READ appointment ${id} NOT_FOUND`,
      `null null READ appointment ${id} FORBIDDEN`,
      `DOCTOR Dr. Ada Osei CHANGE appointment ${id} CONFLICT`,
      `RECEPTIONIST Rae CHANGE appointment ${id} INVALID`,
    ])
  })

  test("a retry as what it is, and what the system does of itself", async () => {
    const { doctor, patient, doctorId, slots } = await scene()
    const input = { doctorId, scheduledAt: slots[0]?.start }
    const key = { "idempotency-key": Bun.randomUUIDv7() }
    let id = ""
    const twice = await told(patient, async () => {
      id = (await patient.post("/appointments", input, key)).body.id
      expect((await patient.post("/appointments", input, key)).body.id).toBe(id)
    })
    expect(twice).toEqual([`PATIENT Pat Jones CREATE appointment ${id} DONE`, `PATIENT Pat Jones CREATE appointment ${id} REPLAYED`])
    await doctor.put(`/appointments/${id}`, { status: "CONFIRMED" })
    const later = new Date(slots[1]?.end ?? "").getTime() + 3_600_000
    expect(await told(patient, () => markNoShows(api.database.pool, 5, later))).toEqual([`SYSTEM null CHANGE appointment ${id} DONE`])
  })
})

describe("nobody else", () => {
  test("is told anything of it: neither other patients nor any other role, and no other patient's id", async () => {
    const { doctor, patient, stranger, desk, strangerId, book, doctorId, slots } = await scene()
    const id = await book(0)
    await stranger.post("/appointments", { doctorId, scheduledAt: slots[1]?.start })
    await doctor.get("/appointments")
    const mine = await trailOf(patient)
    expect(mine[0]).toBe(`DOCTOR Dr. Ada Osei READ appointment ${id} DONE`)
    expect(mine.join()).not.toContain(strangerId)
    expect((await trailOf(stranger)).join()).not.toContain(id)
    for (const who of [doctor, desk, api.person()]) expect((await who.get("/audit/me")).status).toBe(403)
    expect((await fetch(`${api.url}/api/v1/audit/me`)).status).toBe(401)
  })
})

test("the list has pages that fit together, and a cursor that is none is refused", async () => {
  const { patient } = await scene()
  for (let n = 0; n < 6; n++) await patient.get("/me")
  await seal()
  const seen: unknown[] = []
  let cursor: string | null = null
  do {
    const page: { data: unknown[]; nextCursor: string | null } = (
      await patient.get(`/audit/me?limit=3${cursor ? `&cursor=${cursor}` : ""}`)
    ).body
    seen.push(...page.data)
    cursor = page.nextCursor
  } while (cursor)
  expect(seen).toEqual((await patient.get("/audit/me?limit=100")).body.data)
  expect(seen).toHaveLength(7)
  expect((await patient.get("/audit/me?cursor=x")).status).toBe(400)
})

test("a change that is rolled back leaves nothing, and one that is committed cannot be without its entry", async () => {
  const { patient, doctorId, slots } = await scene()
  const { pool } = api.database
  await pool`alter table audit_inbox add constraint broken check (false) not valid`
  const count = async () => (await pool<{ n: number }[]>`select count(*) as n from appointments`)[0]?.n
  const before = await count()
  const book = () =>
    fetch(`${api.url}/api/v1/appointments`, {
      method: "POST",
      headers: { authorization: `Bearer ${patient.token}`, "content-type": "application/json" },
      body: JSON.stringify({ doctorId, scheduledAt: slots[0]?.start }),
    })
  const read = () => fetch(`${api.url}/api/v1/me`, { headers: { authorization: `Bearer ${patient.token}` } })
  try {
    expect((await book()).status).toBe(500)
    expect(await count()).toBe(before as number)
    const refused = await read()
    expect(refused.status).toBe(500)
    expect(await refused.text()).not.toContain("Pat Jones")
  } finally {
    await pool`alter table audit_inbox drop constraint broken`
  }
  expect((await read()).status).toBe(200)
})

test("what is written down has no name, no text that somebody wrote, no amount and no token, and the chain holds", async () => {
  const { patient, desk, doctorId, slots } = await scene()
  const secret = "SECRET words about Pat Jones"
  await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start, reason: secret })
  await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start, reason: secret })
  await desk.get(`/patients?name=${encodeURIComponent("Pat Jones")}`)
  await seal()
  const rows = await api.database.pool<{ entry: string }[]>`select entry from audit_log`
  const members = ["at", "uid", "role", "address", "action", "resource", "ids", "outcome"]
  for (const { entry } of rows) {
    expect(Object.keys(JSON.parse(entry))).toEqual(members)
    expect(entry).not.toMatch(/SECRET|Pat|eyJ|5550/)
  }
  const { findings } = await verifyAudit(api.database.pool, { retentionDays: 2_192, now: Date.now() })
  expect(findings).toEqual([])
})

test("from where: what a trusted proxy says, not what the caller adds to it", async () => {
  const { patient, patientId } = await scene()
  const call = (headers: Record<string, string>) =>
    fetch(`${api.url}/api/v1/me`, { headers: { authorization: `Bearer ${patient.token}`, ...headers } })
  await call({})
  await call({ "x-forwarded-for": "203.0.113.9" })
  await call({ "x-forwarded-for": "6.6.6.6, 203.0.113.10, 127.0.0.2" })
  await call({ "x-forwarded-for": "nonsense" })
  await seal()
  const rows = await api.database.pool<{ address: string }[]>`
    select entry::json->>'address' as address from audit_log where ${patientId}::uuid = any(patients) order by position desc limit 4`
  const own = /^(127\.0\.0\.1|::1)$/
  expect(rows.map((r) => r.address).reverse()).toEqual([
    expect.stringMatching(own),
    "203.0.113.9",
    "203.0.113.10",
    expect.stringMatching(own),
  ])
})
