/**
 * `bun run bench:events`: from a booking's commit to the doctor's socket, through publisher, stream and the realtime
 * process, against a bare XADD → XREAD → emit of the same payload, in one run, in turns; and what the publisher can do.
 * Durable commits. Both sides have the same processes: one that writes and holds the client, Redis, one with the sockets.
 */
import { io, type Socket } from "socket.io-client"
import { startApi } from "../../api/server.ts"
import { openPool, type Pool } from "../../core/db.ts"
import { announce } from "../../core/events/log.ts"
import { Publisher } from "../../core/events/publisher.ts"
import { openLog } from "../../core/log.ts"
import { openRedis } from "../../core/redis.ts"
import { person } from "../../tests/harness/api.ts"
import { freePort, until } from "../../tests/harness/services.ts"
import { percentile, say, spread, startBench } from "./environment.ts"
import { BARE_STREAM } from "./events-bare.ts"

const ROUNDS = 7
const EVENTS_PER_ROUND = 1_000
/** The sides take turns this often, so that both meet whatever else the machine does. */
const EVENTS_PER_SLICE = 50
const EVENTS_PER_SECOND = 200
const BACKLOG_EVENTS = 20_000
/** What is still on its way after the last event was sent. */
const LAST_ARRIVALS_MS = 2_000

type Times = { bare: number[]; ours: number[]; call: number[] }

await using bench = await startBench()
const log = openLog("bench", "silent")
const { pool } = bench
const redis = openRedis(bench.config.redis, { name: "bench" })
await until("Redis is connected", () => redis.status === "ready")

async function onboardDoctor() {
  const api = startApi(bench.config, log)
  await until("the API is ready", () => api.health.phase === "ready")
  const doctor = person(api.url, "bench-doctor")
  const { body } = await doctor.post("/doctors", {
    name: "Amara Okafor",
    specialization: "Cardiology",
    consultationFee: 100,
    clinicName: "Bench clinic",
    clinicAddress: "1 Main Street",
    city: "New York",
    clinicLatitude: 40.7,
    clinicLongitude: -74,
    workingHours: { mon: [["09:00", "17:00"]] },
  })
  await api.stop()
  return { token: doctor.token, about: { doctorId: body.id as string, clinicId: body.clinicId as string } }
}

async function startRealtime() {
  const port = await freePort()
  const child = Bun.spawn([process.execPath, "realtime/main.ts"], {
    env: { ...process.env, ...bench.environment, HOST: "127.0.0.1", PORT: String(port) },
    stdio: ["ignore", "inherit", "inherit"],
  })
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(`${url}/health`).then(
      (r) => r.ok,
      () => false,
    )
  await until("realtime answers", answers, 10_000)
  return { child, url }
}

async function startBare() {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/events-bare.ts`, String(bench.config.redis.port)], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const first = await child.stdout.getReader().read()
  return { child, url: `http://127.0.0.1:${new TextDecoder().decode(first.value).trim()}` }
}

async function connect(url: string, token: string, arrived: Map<string, number>): Promise<Socket> {
  const socket = io(`${url}/notifications`, { auth: { token }, transports: ["websocket"], reconnectionDelay: 100 })
  socket.on("appointment:new", ({ appointmentId }) => arrived.set(appointmentId, performance.now()))
  await until("the socket is connected", () => socket.connected, 15_000)
  // Rooms are joined once the connection stands.
  await Bun.sleep(300)
  return socket
}

/** Sends at the rate; `send` answers when the clock starts. Latencies in ms, of every event. */
async function measure(arrived: Map<string, number>, send: (appointmentId: string) => Promise<number>): Promise<number[]> {
  const sent = new Map<string, number>()
  const started = performance.now()
  const sending: Promise<unknown>[] = []
  for (let n = 0; n < EVENTS_PER_SLICE; n++) {
    const wait = started + (n * 1000) / EVENTS_PER_SECOND - performance.now()
    if (wait > 0) await Bun.sleep(wait)
    const id = crypto.randomUUID()
    sending.push(send(id).then((at) => sent.set(id, at)))
  }
  await Promise.all(sending)
  await until("all have arrived", () => sent.keys().every((id) => arrived.has(id)), LAST_ARRIVALS_MS)
  return Array.from(sent, ([id, at]) => (arrived.get(id) as number) - at)
}

const payload = (appointmentId: string) => ({
  appointmentId,
  patientName: "Jonas Weber",
  scheduledAt: "2030-01-07T10:00:00Z",
  reason: "General checkup",
})

async function sendBare(appointmentId: string): Promise<number> {
  const at = performance.now()
  const data = JSON.stringify(payload(appointmentId))
  await redis.xadd(BARE_STREAM, "*", "data", data, "id", appointmentId, "at", new Date().toISOString())
  return at
}

/** The clock starts when the commit is answered; `call` also has the transaction in it. */
async function sendOurs(publisher: Publisher, about: { doctorId: string; clinicId: string }, id: string, begun: Map<string, number>) {
  begun.set(id, performance.now())
  await pool.begin(async (tx) => {
    await tx`insert into bench_bookings (id, reason) values (${id}, 'General checkup')`
    await announce(tx, { name: "appointment:new", data: payload(id), about })
  })
  const committed = performance.now()
  publisher.nudge()
  return committed
}

async function throughput(publisher: Publisher, from: Pool): Promise<number> {
  await from`
    insert into events (id, name, subject, rooms, data)
    select gen_random_uuid(), 'appointment:new', 'appointment:' || i, array['doctor:' || i % 500, 'desk:' || i % 50], ${from.json(payload("x"))}
    from generate_series(1, ${BACKLOG_EVENTS}::int) i`
  const started = performance.now()
  await publisher.sweep()
  return (BACKLOG_EVENTS / (performance.now() - started)) * 1000
}

function print(rounds: Times[], rates: number[]): void {
  const ms = (value: number) => value.toFixed(2)
  const at = (side: keyof Times, p: number) => rounds.map((round) => percentile(round[side], p))
  const ratio = (p: number) => rounds.map((round) => percentile(round.ours, p) / percentile(round.bare, p))
  console.log(
    `| ${EVENTS_PER_SECOND} events a second, ${ROUNDS} rounds of ${EVENTS_PER_ROUND}, ms | p50: median (min–max) | p99: median (min–max) |`,
  )
  console.log("|---|---|---|")
  console.log(`| bare XADD → XREAD → emit → client | ${spread(at("bare", 50), ms)} | ${spread(at("bare", 99), ms)} |`)
  console.log(`| commit → publisher → stream → realtime → client | ${spread(at("ours", 50), ms)} | ${spread(at("ours", 99), ms)} |`)
  console.log(`| the same from before the transaction | ${spread(at("call", 50), ms)} | ${spread(at("call", 99), ms)} |`)
  console.log(`| commit to socket ÷ bare | ${spread(ratio(50), ms)} | ${spread(ratio(99), ms)} |`)
  console.log(`\nThe publisher alone, over a backlog of ${BACKLOG_EVENTS}: ${spread(rates, (v) => v.toFixed(0))} events a second.`)
}

await pool`create table bench_bookings (id uuid primary key, reason text not null)`
const session = openPool(bench.config.databaseUrl, { max: 1, name: "publisher" })
const publisher = new Publisher({ session, redis, log, streamMaxEvents: bench.config.streamMaxEvents })
const doctor = await onboardDoctor()
const [realtime, bare] = await Promise.all([startRealtime(), startBare()])
const arrived = { ours: new Map<string, number>(), bare: new Map<string, number>() }
const sockets = [await connect(realtime.url, doctor.token, arrived.ours), await connect(bare.url, doctor.token, arrived.bare)]

const rounds: Times[] = []
for (let round = 0; round <= ROUNDS; round++) {
  const times: Times = { bare: [], ours: [], call: [] }
  const begun = new Map<string, number>()
  for (let slice = 0; slice < EVENTS_PER_ROUND / EVENTS_PER_SLICE; slice++) {
    times.bare.push(...(await measure(arrived.bare, sendBare)))
    times.ours.push(...(await measure(arrived.ours, (id) => sendOurs(publisher, doctor.about, id, begun))))
  }
  times.call = Array.from(begun, ([id, at]) => (arrived.ours.get(id) as number) - at)
  // The first round warms both up and does not count.
  if (round > 0) rounds.push(times)
  say(`round ${round}: bare p99 ${percentile(times.bare, 99).toFixed(2)} ms, ours p99 ${percentile(times.ours, 99).toFixed(2)} ms`)
}
for (const socket of sockets) socket.disconnect()
const rates: number[] = []
for (let round = 0; round < 5; round++) rates.push(await throughput(publisher, pool))
print(rounds, rates)

for (const { child } of [realtime, bare]) {
  child.kill("SIGTERM")
  await Promise.race([child.exited, Bun.sleep(LAST_ARRIVALS_MS)])
  child.kill("SIGKILL")
}
await publisher.close()
await session.end({ timeout: 1 })
redis.disconnect()
await bench[Symbol.asyncDispose]()
process.exit(0)
