import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect } from "node:net"
import { type Answer, type Person, person, testApi } from "../tests/harness/api.ts"
import { until } from "../tests/harness/services.ts"
import { CALLS_PER_CONNECTION, TURNS_PER_CONNECTION } from "./admission.ts"

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

test("once there is room again, those at work are answered, nobody is left waiting, and others are let in", async () => {
  await letGo()
  const statuses = (await Promise.all(served)).map(({ status }) => status)
  expect(statuses.slice(0, TURNS_PER_CONNECTION)).toEqual(Array.from({ length: TURNS_PER_CONNECTION }, () => 200))
  // Who has waited too long for a turn, on a machine where the tests before this took long, is told so.
  for (const status of statuses) expect([200, 503]).toContain(status)
  await until("others are let in", async () => (await patient.get("/me")).status === 200)
})

const BODY = JSON.stringify({ name: "Pat" })

/** Calls whose bodies never come to their end, each on a connection of its own. */
function openBodies(count: number, head: string, begun = BODY.slice(0, 1)) {
  const port = Number(new URL(api.url).port)
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1"))
  const answers = sockets.map((socket) => {
    socket.write(`POST /api/v1/patients HTTP/1.1\r\nhost: 127.0.0.1\r\n${head}\r\n\r\n${begun}`)
    return new Promise<number>((resolve) => socket.once("data", (data) => resolve(Number(String(data).split(" ")[1]))))
  })
  return { answers, close: () => sockets.map((socket) => socket.destroy()) }
}

const lengthOf = (body: string) => `content-length: ${body.length}`

test("those who are still sending their bodies take nobody's turn, and are bounded by themselves", async () => {
  const head = `authorization: Bearer ${patient.token}\r\n${lengthOf(BODY)}`
  const sending = openBodies(CALLS_PER_CONNECTION, head)
  const other = person(api.url, "other")
  const isRefused = async () => (await other.put("/notifications/read", { ids: [] })).status === 503
  await until("nobody else may send", isRefused)
  for (let n = 0; n < CALLS_PER_CONNECTION; n++) expect((await other.get("/me")).status).toBe(200)
  sending.close()
  await until("others may send", async () => !(await isRefused()))
})

test.each([
  ["a length", lengthOf(BODY), BODY.slice(0, 1)],
  ["chunks", "transfer-encoding: chunked", "1\r\n{\r\n"],
])(
  "nobody waits for what a stranger sends: refused at once, with %s of it still to come, however many there are",
  async (_, framing, begun) => {
    const strangers = [
      openBodies(2 * CALLS_PER_CONNECTION, framing, begun),
      openBodies(2 * CALLS_PER_CONNECTION, `authorization: Bearer ${patient.token}x\r\n${framing}`, begun),
    ]
    for (const answer of strangers.flatMap(({ answers }) => answers)) expect(await answer).toBe(401)
    expect((await person(api.url, `after ${framing}`).post("/patients", { name: "After" })).status).toBe(201)
    for (const { close } of strangers) close()
  },
)

test("who has made too many calls is told so before their body has come", async () => {
  await using limited = await testApi({ RATE_LIMIT: "1", RATE_LIMIT_WRITES_PER_MINUTE: "1" })
  const often = limited.person()
  expect((await often.post("/patients", { name: "Often" })).status).toBe(201)
  const socket = connect(Number(new URL(limited.url).port), "127.0.0.1")
  const answer = new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))))
  socket.write(`POST /api/v1/patients HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${often.token}\r\n${lengthOf(BODY)}\r\n\r\n{`)
  expect(await answer).toStartWith("HTTP/1.1 429 ")
  socket.destroy()
})
