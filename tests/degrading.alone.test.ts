/** What still works while Redis or Postgres is away, and that all of it comes back by itself. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { Calls } from "../scripts/chaos/calls.ts"
import { type Cluster, startCluster } from "../scripts/chaos/cluster.ts"
import { isSettled, openReader } from "../scripts/chaos/collect.ts"
import { type Listener, listen } from "../scripts/chaos/listeners.ts"
import { type Member, signUp, type World } from "../scripts/chaos/people.ts"
import { until } from "./harness/services.ts"

/** How soon something is heard that Redis could not hasten: the log's readers look at the table five times a second. */
const HEARD_WITHOUT_REDIS_MS = 5_000
const BACK_MS = 30_000
const HOUR_MS = 3_600_000

let cluster: Cluster
let world: World
let sockets: Listener[]
let slots = 0

beforeAll(async () => {
  cluster = await startCluster({ say: () => {}, settings: { RATE_LIMIT: "1", RATE_LIMIT_WRITES_PER_MINUTE: "100000" } })
  await cluster.processes.ready()
  world = await signUp(new Calls(cluster.url))
  const [clinic] = world.clinics
  sockets = [clinic?.doctors[0], clinic?.desk].map((who, n) =>
    listen(cluster.url, n, who as Member, who?.token ?? "", n === 0 ? "websocket" : "polling"),
  )
  await until("both are caught up", () => sockets.every((s) => s.ready()), BACK_MS)
}, 90_000)
afterAll(async () => {
  for (const socket of sockets) socket.close()
  await cluster[Symbol.asyncDispose]()
})

async function ask(who: Member, method: string, path: string, body?: Record<string, unknown>) {
  const headers = { authorization: `Bearer ${who.token}`, ...(body ? { "content-type": "application/json" } : {}) }
  const response = await fetch(`${cluster.url}/api/v1${path}`, {
    method,
    headers,
    body: body ? JSON.stringify(body) : undefined,
    keepalive: false,
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, unknown> }
}

/** Books an hour that nobody has. */
async function book() {
  const [patient] = world.patients
  const doctorId = world.clinics[0]?.doctors[0]?.doctorId
  const scheduledAt = new Date(Math.ceil(Date.now() / HOUR_MS + 72 + slots++) * HOUR_MS).toISOString()
  return await ask(patient as Member, "POST", "/appointments", { doctorId, scheduledAt })
}

const heard = (id: unknown) => sockets.every((s) => s.diary.heard.some((h) => h.data.appointmentId === id))
const connections = () => sockets.map((s) => s.diary.connections.length)

test("with Redis away REST works, changes are heard all the same, limits are kept by each process, and sockets stay", async () => {
  const before = connections()
  await cluster.redis.kill()
  const { status, headers, body } = await book()
  expect(status).toBe(201)
  expect(headers.get("ratelimit-policy")).toContain("writes")
  await until("it is heard", () => heard(body.id), HEARD_WITHOUT_REDIS_MS)
  expect((await ask(world.clinics[0]?.desk as Member, "GET", "/receptionists/stats")).status).toBe(200)
  expect(cluster.processes.printed("api-0") + cluster.processes.printed("api-1")).toContain("writes are limited by each process on its own")
  await cluster.redis.start()
  const after = await book()
  expect(after.status).toBe(201)
  await until("it is heard", () => heard(after.body.id), HEARD_WITHOUT_REDIS_MS)
  expect(connections()).toEqual(before)
}, 60_000)

/** As every API process in turn answers it. */
async function search() {
  const answers = []
  for (let n = 0; n < 2; n++)
    answers.push(await ask(world.patients[0] as Member, "GET", "/doctors/search?latitude=39&longitude=-73&radius=500&limit=100"))
  return answers.map(({ status, headers, body }) => ({ status, served: headers.get("server-timing"), data: body.data }))
}

test("with Postgres away calls answer 503 with Retry-After, searches go on, readiness fails and sockets stay; back, all goes on by itself", async () => {
  const before = connections()
  const found = await search()
  expect(found).toMatchObject([{ status: 200 }, { status: 200 }])
  expect(found[0]?.served).toContain("index")
  await cluster.postgres.crash()
  for (const path of ["/notifications", "/appointments"]) {
    const { status, headers } = await ask(world.patients[0] as Member, "GET", path)
    expect(status).toBe(503)
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
  }
  expect((await book()).status).toBe(503)
  expect(await search()).toEqual(found)
  expect((await fetch(`${cluster.url}/health/ready`, { keepalive: false })).status).toBe(503)
  expect((await fetch(`${cluster.url}/health`, { keepalive: false })).status).toBe(200)
  await cluster.postgres.start()
  const answer = await until("a booking succeeds", async () => await book().then((b) => (b.status === 201 ? b : undefined)), BACK_MS)
  await until("it is heard on the same connections", () => heard(answer.body.id), BACK_MS)
  expect(connections()).toEqual(before)
}, 90_000)

test("with both away and back, the lag drains, workers do what became due, and subscriptions live", async () => {
  await Promise.all([cluster.redis.kill(), cluster.postgres.crash()])
  await Bun.sleep(2_000)
  await Promise.all([cluster.redis.start(), cluster.postgres.start()])
  await cluster.processes.ready()
  const answer = await until("a booking succeeds", async () => await book().then((b) => (b.status === 201 ? b : undefined)), BACK_MS)
  await until("it is heard", () => heard(answer.body.id), BACK_MS)
  const sql = openReader(cluster.databaseUrl)
  await until("nothing is due", () => isSettled(sql), BACK_MS)
  const [row] = await sql`select count(*)::int as days from doctor_days where booked > 0`
  expect(row?.days).toBeGreaterThan(0)
  await sql.end({ timeout: 1 })
  expect(cluster.processes.crashes).toEqual([])
}, 120_000)
