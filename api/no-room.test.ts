import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect } from "node:net"
import { type Answer, type Person, person, testApi } from "../tests/harness/api.ts"
import { until } from "../tests/harness/services.ts"
import { CALLS_PER_CONNECTION } from "./admission.ts"

const ORIGIN = "https://allowed.example"
/** Of one answer, or of the server around the app. */
const OWN_HEADERS = ["x-request-id", "date", "content-length"]

async function whole(response: Response) {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !OWN_HEADERS.includes(name)))
  return { status: response.status, headers, body: await response.text() }
}

let api: Awaited<ReturnType<typeof testApi>>
let patient: Person
let served: Promise<Answer>[]
let letGo: () => Promise<void>

/** All that is let in waits in Postgres. */
beforeAll(async () => {
  api = await testApi({ DATABASE_POOL: "1", CORS_ORIGIN: ORIGIN })
  patient = api.person()
  expect((await patient.post("/patients", { name: "Pat" })).status).toBe(201)
  const { pool } = api.database
  await pool`alter table appointments rename to quick_appointments`
  await pool`create view appointments as select * from quick_appointments where (select pg_advisory_xact_lock(7)) is not null`
  await pool`grant select on appointments to pulsecal_app`
  const held = await pool.reserve()
  await held`select pg_advisory_lock(7)`
  letGo = async () => {
    await held`select pg_advisory_unlock(7)`
    held.release()
  }
  served = Array.from({ length: CALLS_PER_CONNECTION }, () => patient.get("/appointments"))
  await until("there is no room", async () => (await person(api.url, "other").get("/me")).status === 503)
}, 30_000)
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

test("with no room left, a call is refused word for word as the router would refuse it, whatever it asks for; what is no call goes on", async () => {
  const headers = { authorization: `Bearer ${patient.token}` }
  const calls: [string, RequestInit][] = [
    ["/api/v1/appointments?limit=2", { headers }],
    ["/api/v1/appointments", { headers: { ...headers, origin: ORIGIN } }],
    ["/api/v1/me", { headers: { origin: "https://other.example" } }],
    ["/api/v1/me", { method: "HEAD", headers }],
    ["/api/v1/nowhere/4242424242424242", {}],
    ["/api/v1/appointments", { method: "POST", headers, body: "{}" }],
    ["/api/v1/me", { method: "OPTIONS", headers: { origin: ORIGIN, "access-control-request-method": "GET" } }],
    ["/nowhere", {}],
    ["/health", {}],
  ]
  const statuses: number[] = []
  for (const [path, options] of calls) {
    const answer = await whole(await fetch(`${api.url}${path}`, options))
    expect(answer).toEqual(await whole(await api.app.request(path, options)))
    statuses.push(answer.status)
  }
  expect(statuses).toEqual([503, 503, 503, 503, 503, 503, 204, 404, 200])
  const named = await fetch(`${api.url}/api/v1/me`, { headers: { "x-request-id": "mine" } })
  expect([named.headers.get("x-request-id"), named.headers.get("retry-after")]).toEqual(["mine", "1"])
})

test("once there is room again, those who waited are answered and others are let in", async () => {
  await letGo()
  expect((await Promise.all(served)).map(({ status }) => status)).toEqual(served.map(() => 200))
  expect((await patient.get("/me")).status).toBe(200)
})

/** Longer than it takes to see at what pace calls are done. */
const LOOK_MS = 1_000
const PAUSE_MS = 20

test("those who are still sending their bodies take room, but no time: whoever else calls is served as if they were not there", async () => {
  const head = `POST /api/v1/appointments HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${patient.token}\r\ncontent-length: 90\r\n\r\n`
  const sending = Array.from({ length: CALLS_PER_CONNECTION - 1 }, () => connect(Number(new URL(api.url).port), "127.0.0.1"))
  for (const socket of sending) socket.write(head)
  const other = person(api.url, "other")
  const statuses = new Set<number>()
  for (const end = performance.now() + LOOK_MS; performance.now() < end; await Bun.sleep(PAUSE_MS))
    statuses.add((await other.get("/me")).status)
  expect([...statuses]).toEqual([200])
  for (const socket of sending) socket.destroy()
})
