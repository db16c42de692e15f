import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { Redis } from "ioredis"
import { readConfig } from "../core/config.ts"
import { openLog } from "../core/log.ts"
import { clinicOf, doctorInput, person, receptionistOf, request, type TestApi, testApi } from "../tests/harness/api.ts"
import { until } from "../tests/harness/services.ts"
import { startApi } from "./server.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const rowsOf = (clinicId: string) =>
  api.database.pool`select uid, status from receptionists where clinic_id = ${clinicId} order by created_at`
const accessEvents = (uid: string) => api.database.pool`select 1 from events where name = 'access:changed' and data ->> 'uid' = ${uid}`

describe("linking to a clinic", () => {
  test("the right code, in any case, makes an ACTIVE receptionist; no code a PENDING one; each is told to every process", async () => {
    const { clinicId, profile } = await clinicOf(api)
    const [rae, sam] = [api.person(), api.person()]
    const active = await rae.post("/receptionists", {
      clinicId,
      verificationCode: profile.clinicVerificationCode.toLowerCase(),
      name: "Rae Lin",
    })
    expect([active.status, active.body]).toEqual([201, { id: expect.any(String), clinicId, status: "ACTIVE" }])
    const pending = await sam.post("/receptionists", { clinicId })
    expect([pending.status, pending.body]).toEqual([201, { id: expect.any(String), clinicId, status: "PENDING" }])
    expect((await rae.get("/me")).body.receptionist).toEqual({ id: active.body.id, clinicId, name: "Rae Lin", status: "ACTIVE" })
    expect((await sam.get("/me")).body.receptionist).toMatchObject({ name: null, status: "PENDING" })
    for (const { uid } of [rae, sam]) expect(await accessEvents(uid)).toHaveLength(1)
  })

  test("a wrong code and an unknown clinic are refused alike, and nothing is written; without a code the clinic is named", async () => {
    const { clinicId } = await clinicOf(api)
    const someone = api.person()
    const wrong = await someone.post("/receptionists", { clinicId, verificationCode: "WRONG" })
    const unknown = await someone.post("/receptionists", { clinicId: Bun.randomUUIDv7(), verificationCode: "WRONG" })
    expect([wrong.status, wrong.body]).toEqual([422, unknown.body])
    expect(wrong.body.errors[0].path).toBe("verificationCode")
    const nowhere = await someone.post("/receptionists", { clinicId: Bun.randomUUIDv7() })
    expect([nowhere.status, nowhere.body.errors[0].path]).toEqual([422, "clinicId"])
    expect((await someone.get("/me")).body.role).toBeNull()
    expect(await rowsOf(clinicId)).toHaveLength(0)
  })

  test("a second profile, of whatever role, is 409, also when both are asked for at once", async () => {
    const { clinicId, doctor, patient } = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    for (const someone of [doctor, patient, desk]) expect((await someone.post("/receptionists", { clinicId })).status).toBe(409)
    const someone = api.person()
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => someone.post("/receptionists", { clinicId })),
      ...Array.from({ length: 5 }, () => someone.post("/patients", { name: "Ana" })),
    ])
    expect(answers.map((a) => a.status).sort()).toEqual([201, ...Array(9).fill(409)])
  })
})

describe("wrong codes", () => {
  test("are five an hour for each caller, over both kinds of joining and all processes; then the right one is refused too, and others are not", async () => {
    const { clinicId, profile } = await clinicOf(api)
    const { clinicName, clinicAddress, city, clinicLatitude, clinicLongitude, ...practice } = doctorInput
    const { host, port } = api.redis.config
    const settings = { NODE_ENV: "test", PORT: "0", DATABASE_URL: api.database.url, AUTH_DEV_TOKENS: "1", LOG_LEVEL: "silent" }
    const other = startApi(
      { ...readConfig({ ...settings, REDIS_HOST: host, REDIS_PORT: String(port) }), host: "127.0.0.1" },
      openLog("api", "silent"),
    )
    await until("the other API is ready", () => other.health.phase === "ready")
    const guesser = api.person()
    const elsewhere = person(other.url, guesser.uid)
    const asDoctor = (code: string) => ({ ...practice, clinicId, clinicVerificationCode: code })
    const tries = [
      await guesser.post("/receptionists", { clinicId, verificationCode: "1" }),
      await elsewhere.post("/receptionists", { clinicId, verificationCode: "2" }),
      await guesser.post("/doctors", asDoctor("3")),
      await elsewhere.post("/doctors", asDoctor("4")),
      await elsewhere.post("/receptionists", { clinicId, verificationCode: "5" }),
    ]
    expect(tries.map((t) => t.status)).toEqual([422, 422, 422, 422, 422])
    for (const by of [guesser, elsewhere]) {
      const refused = await by.post("/receptionists", { clinicId, verificationCode: profile.clinicVerificationCode })
      expect(refused.status).toBe(429)
      expect(Number(refused.headers.get("retry-after"))).toBeWithin(3_500, 3_601)
      expect((await by.post("/doctors", asDoctor(profile.clinicVerificationCode))).status).toBe(429)
    }
    expect((await guesser.get("/me")).body.role).toBeNull()
    const joined = await api.person().post("/receptionists", { clinicId, verificationCode: profile.clinicVerificationCode })
    expect(joined.status).toBe(201)
    await other.stop()
  })

  test("sent at once are no more than those one after another, and are forgotten after the hour", async () => {
    const { clinicId } = await clinicOf(api)
    const guesser = api.person()
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) => guesser.post("/receptionists", { clinicId, verificationCode: `GUESS${n}` })),
    )
    expect(answers.filter((a) => a.status === 422)).toHaveLength(5)
    expect(answers.filter((a) => a.status === 429)).toHaveLength(25)
    const redis = new Redis({ host: api.redis.config.host, port: api.redis.config.port })
    const kept = await redis.ttl(`pulsecal:codes:${guesser.uid}`)
    redis.disconnect()
    expect(kept).toBeWithin(3_500, 3_601)
  })

  test("are counted by the process alone while Redis is away, and what is refused for other reasons is not counted", async () => {
    await using alone = await testApi()
    const { clinicId, profile, doctor } = await clinicOf(alone)
    for (let n = 0; n < 7; n++)
      expect((await doctor.post("/receptionists", { clinicId, verificationCode: profile.clinicVerificationCode })).status).toBe(409)
    await alone.redis.kill()
    const guesser = alone.person()
    const statuses = []
    for (let n = 0; n < 6; n++) statuses.push((await guesser.post("/receptionists", { clinicId, verificationCode: "GUESS" })).status)
    expect(statuses).toEqual([422, 422, 422, 422, 422, 429])
  })
})

describe("the list", () => {
  test("shows a doctor everybody of the clinic, an active receptionist who works there or wants to, a pending one themselves", async () => {
    const { clinicId, doctor } = await clinicOf(api)
    const other = await clinicOf(api)
    await receptionistOf(api, other.clinicId)
    const [active, pending, rejected, revoked] = [
      await receptionistOf(api, clinicId),
      await receptionistOf(api, clinicId, "PENDING"),
      await receptionistOf(api, clinicId, "REJECTED"),
      await receptionistOf(api, clinicId, "REVOKED"),
    ]
    const item = (status: string) => ({ id: expect.any(String), clinicId, name: "Rae", status, createdAt: expect.any(String) })
    const list = (...statuses: string[]) => ({
      data: statuses.map(item),
      page: 1,
      limit: 20,
      total: statuses.length,
      totalIsExact: true,
    })
    expect((await doctor.get("/receptionists")).body).toEqual(list("ACTIVE", "PENDING", "REJECTED", "REVOKED"))
    expect((await active.get("/receptionists")).body).toEqual(list("ACTIVE", "PENDING"))
    expect((await pending.get("/receptionists")).body).toEqual(list("PENDING"))
    for (const barred of [rejected, revoked]) expect((await barred.get("/receptionists")).status).toBe(403)
    expect((await doctor.get("/receptionists?page=2&limit=3")).body).toEqual({
      ...list("REVOKED"),
      page: 2,
      limit: 3,
      total: 4,
    })
  })

  test("is not for patients and newcomers, and a bad page is 400 and named", async () => {
    const { doctor, patient } = await clinicOf(api)
    for (const someone of [patient, api.person()]) expect((await someone.get("/receptionists")).status).toBe(403)
    for (const [query, path] of [
      ["page=0", "page"],
      ["page=x", "page"],
      ["page=1.5", "page"],
      ["limit=0", "limit"],
      ["limit=101", "limit"],
      ["limit=", "limit"],
      ["page=101&limit=100", "page"],
      ["page=9999999999999999", "page"],
    ]) {
      const { status, body } = await doctor.get(`/receptionists?${query}`)
      expect([query, status, body.errors?.[0].path]).toEqual([query, 400, path])
    }
  })
})

describe("a doctor's decision", () => {
  async function asked(clinicId: string, status = "PENDING") {
    const someone = await receptionistOf(api, clinicId, status)
    return { someone, id: (await someone.get("/me")).body.receptionist.id as string }
  }

  test("moves as it may and no further, and each move is told to every process", async () => {
    const { clinicId, doctor } = await clinicOf(api)
    const legal: Record<string, string[]> = {
      PENDING: ["ACTIVE", "REJECTED"],
      ACTIVE: ["REVOKED"],
      REJECTED: ["ACTIVE"],
      REVOKED: ["ACTIVE"],
    }
    for (const [from, to] of Object.entries(legal))
      for (const status of ["ACTIVE", "REJECTED", "REVOKED"]) {
        const { someone, id } = await asked(clinicId, from)
        const answer = await doctor.put(`/receptionists/${id}`, { status })
        const allowed = to.includes(status)
        expect([from, status, answer.status]).toEqual([from, status, allowed ? 200 : 409])
        if (allowed) expect(answer.body).toEqual({ id, clinicId, name: "Rae", status, createdAt: expect.any(String) })
        expect((await someone.get("/me")).body.receptionist.status).toBe(allowed ? status : from)
        expect(await accessEvents(someone.uid)).toHaveLength(allowed ? 1 : 0)
      }
  })

  test("works at once: who is taken in may work, who is revoked may not", async () => {
    const { clinicId, doctor } = await clinicOf(api)
    const { someone, id } = await asked(clinicId)
    expect((await someone.get("/receptionists/queue")).status).toBe(403)
    await doctor.put(`/receptionists/${id}`, { status: "ACTIVE" })
    expect((await someone.get("/receptionists/queue")).status).toBe(200)
    await doctor.put(`/receptionists/${id}`, { status: "REVOKED" })
    expect((await someone.get("/receptionists/queue")).status).toBe(403)
  })

  test("is for doctors of that clinic only", async () => {
    const { clinicId, patient } = await clinicOf(api)
    const other = await clinicOf(api)
    const { someone, id } = await asked(clinicId)
    const desk = await receptionistOf(api, clinicId)
    for (const wrong of [patient, desk, someone, api.person()])
      expect((await wrong.put(`/receptionists/${id}`, { status: "ACTIVE" })).status).toBe(403)
    for (const missing of [id, Bun.randomUUIDv7(), "abc", "%00"])
      expect((await other.doctor.put(`/receptionists/${missing}`, { status: "ACTIVE" })).status).toBe(404)
    expect((await someone.get("/me")).body.receptionist.status).toBe("PENDING")
  })

  test("that several make at once is made once", async () => {
    const { clinicId, doctor } = await clinicOf(api)
    const { someone, id } = await asked(clinicId)
    const answers = await Promise.all(Array.from({ length: 8 }, () => doctor.put(`/receptionists/${id}`, { status: "ACTIVE" })))
    expect(answers.map((a) => a.status).sort()).toEqual([200, ...Array(7).fill(409)])
    expect(await accessEvents(someone.uid)).toHaveLength(1)
  })
})

test("a bad field of each body is refused by name, and nothing is written", async () => {
  const { clinicId, doctor } = await clinicOf(api)
  const { id } = (await (await receptionistOf(api, clinicId, "PENDING")).get("/me")).body.receptionist
  const someone = api.person()
  const bad: [() => Promise<{ status: number; body: { errors: { path: string }[] } }>, string][] = []
  const link = (body: unknown, path: string) => bad.push([() => someone.post("/receptionists", body), path])
  for (const value of [5, "", "abc", null, [], "a\0b"]) link({ clinicId: value }, "clinicId")
  for (const value of [5, "", " ", [], "x".repeat(201), "a\0b", "a\ud800b"]) {
    link({ clinicId, verificationCode: value }, "verificationCode")
    link({ clinicId, name: value }, "name")
  }
  link({}, "clinicId")
  for (const unknown of ["status", "id", "uid", "constructor"]) link({ clinicId, [unknown]: "ACTIVE" }, unknown)
  for (const value of ["", "PENDING", "active", 5, null, []])
    bad.push([() => doctor.put(`/receptionists/${id}`, { status: value }), "status"])
  bad.push([() => doctor.put(`/receptionists/${id}`, {}), "status"])
  bad.push([() => doctor.put(`/receptionists/${id}`, { status: "ACTIVE", name: "x" }), "name"])
  const before = await rowsOf(clinicId)
  for (const [send, path] of bad) {
    const { status, body } = await send()
    expect([status, body.errors?.map((e) => e.path)]).toEqual([422, expect.arrayContaining([path])])
  }
  expect([...(await rowsOf(clinicId))]).toEqual([...before])
  expect((await someone.get("/me")).body.role).toBeNull()
})

test("a retry under the same key gets the first answer: linked once, with whatever else it would meet now", async () => {
  const { clinicId, profile } = await clinicOf(api)
  const someone = api.person()
  const headers = { "idempotency-key": "link" }
  const body = { clinicId, verificationCode: profile.clinicVerificationCode }
  const first = await someone.post("/receptionists", body, headers)
  const again = await someone.post("/receptionists", body, headers)
  expect([again.status, again.body, again.headers.get("idempotency-replayed")]).toEqual([201, first.body, "true"])
  expect(await rowsOf(clinicId)).toHaveLength(1)
})

test("without a valid token every endpoint is 401", async () => {
  const calls: [string, string][] = [
    ["GET", "/receptionists"],
    ["POST", "/receptionists"],
    ["PUT", `/receptionists/${Bun.randomUUIDv7()}`],
    ["GET", "/receptionists/stats"],
    ["GET", "/receptionists/queue"],
    ["POST", "/receptionists/queue/next"],
    ["PUT", `/receptionists/queue/${Bun.randomUUIDv7()}`],
    ["GET", "/patients?name=a"],
  ]
  for (const [method, path] of calls)
    for (const authorization of ["", "Bearer nonsense"]) {
      const headers = { authorization, "content-type": "application/json" }
      const init = { method, headers, ...(method === "GET" ? {} : { body: "{}" }) }
      const { status, headers: answered } = await request(`${api.url}/api/v1${path}`, init)
      expect([method, path, status, answered.get("content-type")]).toEqual([method, path, 401, "application/problem+json"])
    }
})
