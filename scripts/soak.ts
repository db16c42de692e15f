/**
 * `bun run soak [--minutes N] [--seed S]`: the whole system under the load of a chaos run, with nothing going wrong. Every few seconds it
 * writes down memory, open files, lag and latency of each process, prints them as a table and says whether all of it worked to the end
 * and whether anything keeps growing.
 */
import { parseArgs } from "node:util"
import { scrape, valueIn } from "../tests/harness/metrics.ts"
import { type OneProcess, startProcess } from "../tests/harness/one-process.ts"
import { until } from "../tests/harness/services.ts"
import { Calls } from "./chaos/calls.ts"
import { chanceOf } from "./chaos/chance.ts"
import { type Cluster, startCluster } from "./chaos/cluster.ts"
import { openReader } from "./chaos/collect.ts"
import { listen } from "./chaos/listeners.ts"
import { Load } from "./chaos/load.ts"
import { signUp } from "./chaos/people.ts"
import { runUrlOf } from "./services/migration.ts"
import { findRedisServer } from "./services/redis.ts"
import { runCommand, SetupError } from "./services/say.ts"
import { type Sample, sampleOf, table } from "./soak-samples.ts"
import { verdictOf } from "./soak-verdict.ts"

const MINUTE_MS = 60_000
/** So many rows the table has, however long the run. */
const ROWS = 20
const CAUGHT_UP_MS = 30_000

/** Another realtime process, beside those of the cluster: one that measures, to which half of the clients go. */
function startMeasured({ databaseUrl, redis }: Cluster): Promise<OneProcess> {
  return startProcess("realtime", {
    NODE_ENV: "test",
    DATABASE_URL: runUrlOf(databaseUrl, "chaos"),
    DATABASE_POOL: "10",
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "warn",
  })
}

/** Not a number when it cannot say, which is no less bad than a lag. */
async function behind({ metricsPort }: OneProcess): Promise<number> {
  return valueIn(await scrape(metricsPort), "pulsecal_consumer_lag_events", { messaging_consumer_group_name: "realtime" }) ?? Number.NaN
}

await runCommand(async () => {
  const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" } } })
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)]
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new SetupError("--minutes and --seed must be numbers")
  const say = (line: string) => console.error(line)
  process.env.TEST_REDIS_SERVER ??= await findRedisServer(say)
  await using cluster = await startCluster({ say })
  await cluster.processes.ready()
  await using measured = await startMeasured(cluster)
  const calls = new Calls(cluster.url)
  const world = await signUp(calls)
  const members = [...world.clinics.flatMap((c) => [...c.doctors, c.desk]), ...world.patients]
  const listeners = members.map((m, n) =>
    listen(n % 4 < 2 ? cluster.url : measured.url, n, m, m.token, n % 2 === 0 ? "websocket" : "polling"),
  )
  await until("every client has been caught up", () => listeners.every((l) => l.ready()), CAUGHT_UP_MS)
  const sql = openReader(cluster.databaseUrl)
  const working = new Load(calls, world, chanceOf(seed, "load")).run()
  const samples: Sample[] = []
  const everyMs = (minutes * MINUTE_MS) / ROWS
  const started = Date.now()
  for (let row = 1; row <= ROWS; row++) {
    await Bun.sleep(started + row * everyMs - Date.now())
    if (row === ROWS) {
      calls.stop()
      await working
    }
    // What was judged is let go: this process is no part of what is measured, but shares its machine.
    const finished = calls.takeFinished()
    const minute = (row * everyMs) / MINUTE_MS
    samples.push(await sampleOf({ sql, cluster, minute, finished, listeners, realtimeBehind: () => behind(measured) }))
    for (const { diary } of listeners) diary.heard.length = 0
  }
  for (const listener of listeners) listener.close()
  await sql.end({ timeout: 1 })
  for (const line of table(samples)) console.log(line)
  const { failures, kept } = verdictOf(samples)
  console.log("\nFrom the second quarter of the run to the last:")
  for (const line of [...kept, ...failures]) console.log(line)
  process.exitCode = failures.length === 0 ? 0 : 1
})
process.exit()
