/** What still works while Redis or Postgres is away, and that all of it comes back by itself. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { openPool, type Pool } from "../core/db.ts"
import { findLog } from "../core/events/queries.ts"
import { openRedis } from "../core/redis.ts"
import { Calls } from "../scripts/chaos/calls.ts"
import { type Cluster, startCluster } from "../scripts/chaos/cluster.ts"
import { isSettled, openReader } from "../scripts/chaos/collect.ts"
import { type Listener, listen } from "../scripts/chaos/listeners.ts"
import { type Member, signUp, type World } from "../scripts/chaos/people.ts"
import { openQueue } from "../worker/queues.ts"
import { person } from "./harness/api.ts"
import { type Cast, castOf } from "./harness/cast.ts"
import { everyRoute, routesWithoutCall } from "./harness/every-route.ts"
import { until } from "./harness/services.ts"

/** How soon something is heard that Redis could not hasten: the log's readers look at the table five times a second. */
const HEARD_WITHOUT_REDIS_MS = 5_000
/** A Redis that hangs is given up after two seconds; then it is as one that is away. */
const ANSWERED_WITHOUT_REDIS_MS = 5_000
const BACK_MS = 30_000
const HOUR_MS = 3_600_000
const API = ["api-0", "api-1"] as const
const LIMITED_ALONE = "writes are limited by each process on its own"

let cluster: Cluster
let owner: Pool
let world: World
let cast: Cast
let sockets: Listener[]
let slots = 0

beforeAll(async () => {
  cluster = await startCluster({ say: () => {}, settings: { RATE_LIMIT: "1", RATE_LIMIT_WRITES_PER_MINUTE: "100000" } })
  await cluster.processes.ready()
  world = await signUp(new Calls(cluster.url))
  const { redis, databaseUrl, processes } = cluster
  // Past the edge, which serves one request a connection.
  const url = `http://127.0.0.1:${processes.ports.get("api-0")}`
  owner = openPool(databaseUrl, { max: 2, name: "test" })
  const database = { pool: owner, url: databaseUrl, ownerUrl: databaseUrl, [Symbol.asyncDispose]: owner.end }
  cast = await castOf({
    url,
    database,
    redis,
    person: (uid = `uid-${Bun.randomUUIDv7()}`) => person(url, uid),
    [Symbol.asyncDispose]: cluster.close,
  })
  const [clinic] = world.clinics
  sockets = [clinic?.doctors[0], clinic?.desk].map((who, n) =>
    listen(cluster.url, n, who as Member, who?.token ?? "", n === 0 ? "websocket" : "polling"),
  )
  await until("both are caught up", () => sockets.every((s) => s.ready()), BACK_MS)
}, 90_000)
afterAll(async () => {
  for (const socket of sockets) socket.close()
  await owner.end({ timeout: 1 })
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

/** What an API process has said since this was called. */
function listenTo(): () => string[] {
  const heardBefore = API.map((name) => cluster.processes.printed(name).length)
  return () => API.map((name, n) => cluster.processes.printed(name).slice(heardBefore[n]))
}

/** Until both have Redis: a process says that it is away once, and again only when it has been back. */
async function redisIsThere(): Promise<void> {
  for (const name of API)
    await until(
      `${name} has Redis`,
      async () => {
        const answer = await fetch(`http://127.0.0.1:${cluster.processes.ports.get(name)}/health/ready`, { keepalive: false })
        return ((await answer.json()) as { checks: { redis: string } }).checks.redis === "ok"
      },
      BACK_MS,
    )
}

test("every route of the API is among those that are called here", async () => {
  expect(await routesWithoutCall(cluster.url)).toEqual([])
})

test("with Redis away every route answers as ever, changes are heard all the same, limits are kept by each process, and sockets stay", async () => {
  await redisIsThere()
  const [before, said] = [connections(), listenTo()]
  await cluster.redis.kill()
  const { status, headers, body } = await book()
  expect(status).toBe(201)
  expect(headers.get("ratelimit-policy")).toContain("writes")
  await until("it is heard", () => heard(body.id), HEARD_WITHOUT_REDIS_MS)
  await until("both processes say so", () => said().every((lines) => lines.includes(LIMITED_ALONE)))
  for await (const { name, status, send } of everyRoute(cast)) expect([name, (await send()).status]).toEqual([name, status])
  await cluster.redis.start()
  const after = await book()
  expect(after.status).toBe(201)
  await until("it is heard", () => heard(after.body.id), HEARD_WITHOUT_REDIS_MS)
  expect(connections()).toEqual(before)
}, 60_000)

test("with a Redis that hangs, reads and writes are answered within seconds, changes are heard, and limits are kept by each process, which says so", async () => {
  await redisIsThere()
  const [before, said] = [connections(), listenTo()]
  cluster.redis.pause()
  try {
    for (let round = 0; round < 2; round++) {
      const started = performance.now()
      const read = () => ask(world.patients[0] as Member, "GET", "/appointments")
      const desk = () => ask(world.clinics[0]?.desk as Member, "GET", "/receptionists/stats")
      // Two of each: one for every process.
      const [one, other, ...others] = await Promise.all([book(), book(), read(), read(), desk(), desk()])
      expect(performance.now() - started).toBeLessThan(ANSWERED_WITHOUT_REDIS_MS)
      expect([one.status, other.status, ...others.map(({ status }) => status)]).toEqual([201, 201, 200, 200, 200, 200])
      expect(one.headers.get("ratelimit-policy")).toContain("writes")
      await until("both are heard", () => heard(one.body.id) && heard(other.body.id), HEARD_WITHOUT_REDIS_MS)
    }
    await until("both processes say so", () => said().every((lines) => lines.includes(LIMITED_ALONE)))
  } finally {
    cluster.redis.resume()
  }
  await redisIsThere()
  const after = await book()
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

/** Nothing that these say is in Postgres; the doctors of searches are in the index as well. */
const WITHOUT_POSTGRES: Record<string, number> = {
  "GET /health": 200,
  "GET /health/ready": 503,
  "GET /openapi.json": 200,
  "GET /docs": 200,
  "GET /docs/:file": 200,
  "GET /api/v1/doctors/search": 200,
}

test("with Postgres away every route that needs it answers 503 with Retry-After, searches go on, readiness fails and sockets stay; back, all goes on by itself", async () => {
  const before = connections()
  const found = await search()
  expect(found).toMatchObject([{ status: 200 }, { status: 200 }])
  expect(found[0]?.served).toContain("index")
  const calls = await Array.fromAsync(everyRoute(cast))
  await cluster.postgres.crash()
  for (const { name, send } of calls) {
    const { status, headers } = await send()
    expect([name, status]).toEqual([name, WITHOUT_POSTGRES[name] ?? 503])
    if (!(name in WITHOUT_POSTGRES)) expect([name, Number(headers.get("retry-after")) >= 1]).toEqual([name, true])
  }
  expect((await book()).status).toBe(503)
  expect(await search()).toEqual(found)
  await cluster.postgres.start()
  const answer = await until("a booking succeeds", async () => await book().then((b) => (b.status === 201 ? b : undefined)), BACK_MS)
  await until("it is heard on the same connections", () => heard(answer.body.id), BACK_MS)
  expect(connections()).toEqual(before)
}, 90_000)

/** Has a schedule's next run become due so soon. */
async function makeDue(schedule: string, delayMs: number): Promise<void> {
  const redis = openRedis(cluster.redis.config, { name: "test" })
  await until("Redis is there", () => redis.status === "ready")
  const queue = openQueue("schedules", (await findLog(owner)).id, redis)
  const [job] = (await queue.getDelayed()).filter(({ name }) => name === schedule)
  await job?.changeDelay(delayMs)
  await queue.close()
  redis.disconnect()
  if (!job) throw new Error(`no run of ${schedule} waits`)
}

const SCHEDULE = "send-reminders"
const AWAY_MS = 2_000
const DAY_HOURS = 24

test("with both away and back, the lag drains, workers do what became due meanwhile, figures follow and subscriptions live", async () => {
  await redisIsThere()
  await makeDue(SCHEDULE, AWAY_MS / 2)
  await Promise.all([cluster.redis.kill(), cluster.postgres.crash()])
  await Bun.sleep(AWAY_MS)
  const back = new Date()
  await Promise.all([cluster.redis.start(), cluster.postgres.start()])
  await cluster.processes.ready()
  // On a day that has no other booking.
  slots += 10 * DAY_HOURS
  const answer = await until("a booking succeeds", async () => await book().then((b) => (b.status === 201 ? b : undefined)), BACK_MS)
  await until("it is heard", () => heard(answer.body.id), BACK_MS)
  const sql = openReader(cluster.databaseUrl)
  await until("nothing is due", () => isSettled(sql), BACK_MS)
  const days = await sql`
    select booked from doctor_days where doctor_id = ${String(answer.body.doctorId)}
      and day = (${String(answer.body.scheduledAt)}::timestamptz at time zone 'America/New_York')::date`
  expect([...days]).toEqual([{ booked: 1 }])
  const ran = async () => (await sql`select from schedule_runs where name = ${SCHEDULE} and started_at > ${back}`).length === 1
  await until("what became due has run", ran, BACK_MS)
  await sql.end({ timeout: 1 })
  expect(cluster.processes.crashes).toEqual([])
}, 120_000)
