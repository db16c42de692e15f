/**
 * `bun run bench:events [--rates 200,500]`: from a booking's commit to the doctor's socket, through publisher, stream and the realtime
 * process, against a bare XADD → XREAD → emit of the same payload, in one run, in turns; and what the publisher can do.
 * Durable commits. Both sides have the same processes: one that writes and holds the client, Redis, one with the sockets.
 * Then whole bookings over HTTP, every part a process of its own.
 */
import { parseArgs } from "node:util"
import { openPool, type Pool } from "../../core/db.ts"
import { announce } from "../../core/events/log.ts"
import { Publisher } from "../../core/events/publisher.ts"
import { openLog } from "../../core/log.ts"
import { openRedis } from "../../core/redis.ts"
import { until } from "../../tests/harness/services.ts"
import { percentile, say, spread, startBench } from "./environment.ts"
import { BARE_STREAM } from "./events-bare.ts"
import { BookingsHeard, type Latencies } from "./events-bookings.ts"
import { connect } from "./events-client.ts"
import { type RunningProcess, startProcess, stopProcess } from "./processes.ts"

const ROUNDS = 7
const EVENTS_PER_ROUND = 1_000
/** The sides take turns this often, so that both meet whatever else the machine does. */
const EVENTS_PER_SLICE = 50
const BACKLOG_EVENTS = 20_000
/** What is still on its way after the last event was sent. */
const LAST_ARRIVALS_MS = 2_000

type Times = { bare: number[]; ours: number[]; call: number[]; booked: Latencies }

const { values: given } = parseArgs({ options: { rates: { type: "string", default: "200,500" } } })
const rates = given.rates.split(",").map(Number)
if (rates.some((rate) => !(rate > 0))) throw new Error("--rates must be numbers of events a second, with commas")

await using bench = await startBench(["track_commit_timestamp=on"])
const log = openLog("bench", "silent")
const { pool } = bench
const redis = openRedis(bench.config.redis, { name: "bench" })
await until("Redis is connected", () => redis.status === "ready")

async function startBare(): Promise<RunningProcess> {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/events-bare.ts`, String(bench.config.redis.port)], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const first = await child.stdout.getReader().read()
  const url = `http://127.0.0.1:${new TextDecoder().decode(first.value).trim()}`
  return { pid: child.pid, url, stop: () => stopProcess(child) }
}

/** Sends at the rate; `send` answers when the clock starts. Latencies in ms, of every event. */
async function measure(arrived: Map<string, number>, perSecond: number, send: (id: string) => Promise<number>): Promise<number[]> {
  const sent = new Map<string, number>()
  const started = performance.now()
  const sending: Promise<unknown>[] = []
  for (let n = 0; n < EVENTS_PER_SLICE; n++) {
    const wait = started + (n * 1_000) / perSecond - performance.now()
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

function print(perSecond: number, rounds: Times[]): void {
  const ms = (value: number) => value.toFixed(2)
  const row = (what: string, of: (round: Times) => number[]) => {
    const at = (p: number) =>
      spread(
        rounds.map((round) => percentile(of(round), p)),
        ms,
      )
    console.log(`| ${what} | ${at(50)} | ${at(99)} |`)
  }
  const ratio = (p: number) => rounds.map((round) => percentile(round.ours, p) / percentile(round.bare, p))
  console.log(
    `| ${perSecond} events a second, ${ROUNDS} rounds of ${EVENTS_PER_ROUND}, ms | p50: median (min–max) | p99: median (min–max) |`,
  )
  console.log("|---|---|---|")
  row("bare XADD → XREAD → emit → client", (r) => r.bare)
  row("commit → publisher → stream → realtime → client", (r) => r.ours)
  row("the same from before the transaction", (r) => r.call)
  console.log(`| commit to socket ÷ bare | ${spread(ratio(50), ms)} | ${spread(ratio(99), ms)} |`)
  row("whole bookings over HTTP, each part a process: commit → client", (r) => r.booked.fromCommit)
  row("the same from the sending of the request", (r) => r.booked.fromRequest)
  console.log()
}

await pool`create table bench_bookings (id uuid primary key, reason text not null)`
const session = openPool(bench.config.databaseUrl, { max: 1, name: "publisher" })
const publisher = new Publisher({ session, redis, log, streamMaxEvents: bench.config.streamMaxEvents })
const [api, realtime, bare] = await Promise.all([
  startProcess("api", bench.environment),
  startProcess("realtime", bench.environment),
  startBare(),
])
const whole = new BookingsHeard(pool, api, realtime)
const doctor = await whole.open()
const arrived = { ours: new Map<string, number>(), bare: new Map<string, number>() }
const noteOf = (side: Map<string, number>) => (id: string) => side.set(id, performance.now())
const sockets = [
  await connect(realtime.url, doctor.token, noteOf(arrived.ours)),
  await connect(bare.url, doctor.token, noteOf(arrived.bare)),
]

async function run(perSecond: number): Promise<Times> {
  const times = { bare: [] as number[], ours: [] as number[] }
  const begun = new Map<string, number>()
  for (let slice = 0; slice < EVENTS_PER_ROUND / EVENTS_PER_SLICE; slice++) {
    times.bare.push(...(await measure(arrived.bare, perSecond, sendBare)))
    times.ours.push(...(await measure(arrived.ours, perSecond, (id) => sendOurs(publisher, doctor, id, begun))))
  }
  const booked = await whole.round(EVENTS_PER_ROUND, perSecond)
  return { ...times, call: Array.from(begun, ([id, at]) => (arrived.ours.get(id) as number) - at), booked }
}

for (const perSecond of rates) {
  const rounds: Times[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const times = await run(perSecond)
    // The first round warms all up and does not count.
    if (round > 0) rounds.push(times)
    const p99 = (of: number[]) => `${percentile(of, 99).toFixed(2)} ms`
    say(`${perSecond}/s, round ${round}: p99 bare ${p99(times.bare)}, ours ${p99(times.ours)}, whole ${p99(times.booked.fromCommit)}`)
  }
  print(perSecond, rounds)
}
for (const socket of sockets) socket.disconnect()
whole.close()
await Promise.all([api, realtime, bare].map((process) => process.stop()))
const publishing: number[] = []
for (let round = 0; round < 5; round++) publishing.push(await throughput(publisher, pool))
console.log(`The publisher alone, over a backlog of ${BACKLOG_EVENTS}: ${spread(publishing, (v) => v.toFixed(0))} events a second.`)

await publisher.close()
await session.end({ timeout: 1 })
redis.disconnect()
await bench[Symbol.asyncDispose]()
process.exit(0)
