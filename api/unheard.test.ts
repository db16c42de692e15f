import { afterAll, beforeAll, expect, test } from "bun:test"
import { sealAudit } from "../core/audit/seal.ts"
import { UNHEARD_A_CALLER } from "../core/audit/unheard.ts"
import { openLog } from "../core/log.ts"
import { clinicOf, type Person, request, type TestApi, testApi } from "../tests/harness/api.ts"
import { badTokens } from "../tests/harness/bad-tokens.ts"
import { startProcess } from "../tests/harness/one-process.ts"
import { testDatabase, testRedis, until } from "../tests/harness/services.ts"

const READS = 20

let api: TestApi
let patient: Person
let id: string
beforeAll(async () => {
  api = await testApi({ TRUSTED_PROXIES: "127.0.0.0/8, ::1", RATE_LIMIT: "1", RATE_LIMIT_READS_PER_MINUTE: String(READS) })
  const { doctorId, slots, ...clinic } = await clinicOf(api)
  patient = clinic.patient
  id = (await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })).body.id
}, 30_000)
afterAll(() => api[Symbol.asyncDispose]())

/** What stands in the log with this outcome, oldest first. */
async function written(outcome: string) {
  await sealAudit(api.database.pool, openLog("test", "silent"))
  const rows = await api.database.pool<{ entry: string }[]>`
    select entry from audit_log where entry::json->>'outcome' = ${outcome} order by position`
  return rows.map(({ entry }) => JSON.parse(entry))
}

async function call(path: string, address: string, authorization?: string, init: RequestInit = {}): Promise<number> {
  const headers = {
    ...(authorization === undefined ? {} : { authorization }),
    "x-forwarded-for": address,
    "content-type": "application/json",
  }
  return (await request(`${api.url}/api/v1${path}`, { ...init, headers })).status
}

test("who comes to a patient's data without a valid token is written down, with from where and what for, and the patient is told", async () => {
  const expired = badTokens(patient.uid).find(([what]) => what === "expired")?.[1]
  expect(await call(`/appointments/${id}`, "203.0.113.1")).toBe(401)
  expect(await call(`/appointments/${id}`, "203.0.113.2", expired, { method: "PUT", body: '{"status":"CANCELLED"}' })).toBe(401)
  // What names nobody's data, and what is audited in no case.
  for (const path of ["/appointments", "/doctors/search", `/doctors/${id}`, "/audit/me"]) expect(await call(path, "203.0.113.3")).toBe(401)
  const entry = { uid: null, role: null, resource: "appointment", ids: [id], outcome: "UNAUTHORIZED" }
  expect(await written("UNAUTHORIZED")).toEqual([
    { at: expect.any(String), ...entry, address: "203.0.113.1", action: "READ" },
    { at: expect.any(String), ...entry, address: "203.0.113.2", action: "CHANGE" },
  ])
  const { body } = await patient.get("/audit/me?limit=2")
  expect(body.data).toMatchObject([
    { actorRole: null, actorName: null, action: "CHANGE", resourceId: id, outcome: "UNAUTHORIZED" },
    { actorRole: null, actorName: null, action: "READ", resourceId: id, outcome: "UNAUTHORIZED" },
  ])
})

test("and so is who is told that it is one call too many, or sends what is no request, by name", async () => {
  const reader = api.person()
  for (let n = 0; n < READS; n++) await reader.get("/me")
  expect((await reader.get(`/appointments/${id}`)).status).toBe(429)
  expect(await written("LIMITED")).toMatchObject([{ uid: reader.uid, action: "READ", resource: "appointment", ids: [id] }])
  const authorization = `Bearer ${patient.token}`
  expect(await call(`/appointments/${id}`, "203.0.113.4", authorization, { method: "PUT", body: "{" })).toBe(400)
  expect(await written("INVALID")).toMatchObject([{ uid: patient.uid, action: "CHANGE", ids: [id], address: "203.0.113.4" }])
})

test("a flood from one address leaves as many entries as it may have in a minute, and every call is answered 401", async () => {
  const before = (await written("UNAUTHORIZED")).length
  const statuses = await Promise.all(Array.from({ length: 200 }, () => call(`/payments/${Bun.randomUUIDv7()}`, "198.51.100.7")))
  expect(new Set(statuses)).toEqual(new Set([401]))
  expect((await written("UNAUTHORIZED")).length - before).toBe(UNHEARD_A_CALLER)
})

test("a process that stops writes down first how many it has only counted", async () => {
  await using database = await testDatabase()
  await using redis = await testRedis()
  await using one = await startProcess("api", {
    NODE_ENV: "test",
    DATABASE_URL: database.url,
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    LOG_LEVEL: "silent",
  })
  const statuses = await Promise.all(
    Array.from({ length: 60 }, async () => (await request(`${one.url}/api/v1/payments/${Bun.randomUUIDv7()}`)).status),
  )
  expect(new Set(statuses)).toEqual(new Set([401]))
  process.kill(one.pid, "SIGTERM")
  const counts = async () =>
    await database.pool<{ entry: string }[]>`select entry::text from audit_inbox where entry->>'unwritten' is not null`
  const [row] = await until("the count is there", async () => ((await counts()).length > 0 ? await counts() : undefined), 15_000)
  const refused = { uid: null, role: null, address: null, action: "READ", resource: "payment", ids: [], outcome: "UNAUTHORIZED" }
  expect(JSON.parse(row?.entry ?? "{}")).toEqual({ at: expect.any(String), ...refused, unwritten: 60 - UNHEARD_A_CALLER })
}, 40_000)
