/**
 * `bun run bench:fanout [--clients 1000,10000] [--rounds N]`: one event to every client of a realtime process, from the row in the table through
 * publisher, stream and relay, next to bare Socket.IO on the same engine that emits the same from memory. Patients of one city hear
 * `doctor:new`. In one run, in turns; every delivery is counted and compared.
 */
import { parseArgs } from "node:util"
import { openPool, type Pool } from "../../../core/db.ts"
import { announce } from "../../../core/events/log.ts"
import { Publisher } from "../../../core/events/publisher.ts"
import { openLog } from "../../../core/log.ts"
import { openRedis } from "../../../core/redis.ts"
import { until } from "../../../tests/harness/services.ts"
import { runCommand, SetupError } from "../../services/say.ts"
import { type Bench, say, startBench } from "../environment.ts"
import { startProcess, stopProcess } from "../processes.ts"
import type { BareAnswer, Emit } from "./bare.ts"
import { nowMs, uidOf } from "./clients.ts"
import { print, type Result } from "./report.ts"
import { type Measured, type Server, Side } from "./side.ts"

const CITY = "New York"
/** Of a burst, in which events come as fast as they can be told. */
const BURST_DELIVERIES = 200_000
/** Of a stream of single events: a quarter of what bare Socket.IO can do. */
const STREAM_DELIVERIES_PER_SECOND = 50_000
const STREAM_S = 2
/** What a process has open beside its clients. */
const OTHER_FILES = 200

async function fileLimit(): Promise<number> {
  const text = await new Response(Bun.spawn(["sh", "-c", "ulimit -Hn"]).stdout).text()
  return text.trim() === "unlimited" ? Number.POSITIVE_INFINITY : Number(text)
}

const doctors = (count: number) => Array.from({ length: count }, () => ({ doctorId: Bun.randomUUIDv7(), city: CITY }))

async function addPatients(pool: Pool, upTo: number): Promise<void> {
  const uids = Array.from({ length: upTo }, (_, n) => uidOf(n))
  await pool`insert into accounts (uid, role) select uid, 'PATIENT' from unnest(${uids}::text[]) uid on conflict do nothing`
  await pool`
    insert into patients (id, uid, name, name_fold, city, city_key)
    select gen_random_uuid(), uid, 'Pat', 'pat', ${CITY}, ${CITY.toLowerCase()} from unnest(${uids}::text[]) uid
    where not exists (select from patients p where p.uid = uid.uid)`
}

/** The clock of an event starts when its commit is answered. */
async function startOurs({ pool, environment }: Bench, publisher: Publisher): Promise<Server> {
  const realtime = await startProcess("realtime", environment)
  const tell = async (count: number) => {
    await pool.begin((tx) => announce(tx, ...doctors(count).map((data) => ({ name: "doctor:new" as const, data, about: { city: CITY } }))))
    const committed = nowMs()
    publisher.nudge()
    return Array.from({ length: count }, () => committed)
  }
  return { ...realtime, port: Number(new URL(realtime.url).port), tell }
}

async function startBare(): Promise<Server> {
  let answered = Promise.withResolvers<BareAnswer>()
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/bare.ts`], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (answer: BareAnswer) => answered.resolve(answer),
  })
  const started = await answered.promise
  let turn: Promise<unknown> = Promise.resolve()
  const ask = async (count: number) => {
    answered = Promise.withResolvers()
    child.send({ payloads: doctors(count) } satisfies Emit)
    const answer = await answered.promise
    return "starts" in answer ? answer.starts : []
  }
  const tell = (count: number) => {
    const told = turn.then(() => ask(count))
    turn = told
    return told
  }
  return { pid: child.pid, port: "port" in started ? started.port : 0, tell, stop: () => stopProcess(child) }
}

async function benchSize(bench: Bench, publisher: Publisher, clients: number, rounds: number): Promise<Result> {
  await addPatients(bench.pool, clients)
  const servers = { ours: await startOurs(bench, publisher), bare: await startBare() }
  const sides = { ours: new Side(servers.ours, clients), bare: new Side(servers.bare, clients) }
  for (const side of [sides.ours, sides.bare]) await side.connect()
  say(`${clients} clients listen to each`)
  const result: Result = { clients, rounds: [], kilobytes: { ours: sides.ours.kilobytesPerClient, bare: sides.bare.kilobytesPerClient } }
  const streamed = {
    everyMs: (1_000 * clients) / STREAM_DELIVERIES_PER_SECOND,
    events: (STREAM_DELIVERIES_PER_SECOND * STREAM_S) / clients,
  }
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? (["ours", "bare"] as const) : (["bare", "ours"] as const)
    const burst = {} as Record<"ours" | "bare", Measured>
    const stream = {} as Record<"ours" | "bare", Measured>
    for (const name of order) burst[name] = await sides[name].round(BURST_DELIVERIES / clients, 0)
    for (const name of order) stream[name] = await sides[name].round(streamed.events, streamed.everyMs)
    // The first round warms both up and does not count.
    if (round > 0) result.rounds.push({ burst, stream })
    say(`round ${round}: ours ${burst.ours.perSecond.toFixed(0)}, bare ${burst.bare.perSecond.toFixed(0)} deliveries a second`)
  }
  for (const side of [sides.ours, sides.bare]) await side.close()
  return result
}

async function benchAll(sizes: number[], rounds: number): Promise<Result[]> {
  await using bench = await startBench()
  const log = openLog("bench", "silent")
  const redis = openRedis(bench.config.redis, { name: "bench" })
  await until("Redis is connected", () => redis.status === "ready")
  const session = openPool(bench.config.databaseUrl, { max: 1, name: "publisher" })
  const publisher = new Publisher({ session, redis, log, streamMaxEvents: bench.config.streamMaxEvents })
  const results: Result[] = []
  for (const clients of sizes) results.push(await benchSize(bench, publisher, clients, rounds))
  await publisher.close()
  await session.end({ timeout: 1 })
  redis.disconnect()
  return results
}

await runCommand(async () => {
  const { values } = parseArgs({
    options: { clients: { type: "string", default: "1000,10000" }, rounds: { type: "string", default: "7" } },
  })
  const limit = await fileLimit()
  const fits = (clients: number) => clients + OTHER_FILES <= limit
  const sizes = values.clients.split(",").map(Number)
  if (sizes.some((n) => !(n > 0)) || !(Number(values.rounds) > 0)) throw new SetupError("--clients and --rounds must be numbers")
  for (const clients of sizes)
    if (!fits(clients))
      say(`${clients} clients are left out: they need ${clients + OTHER_FILES} open files, and \`ulimit -Hn\` allows ${limit}`)
  print(await benchAll(sizes.filter(fits), Number(values.rounds)))
  process.exit(0)
})
