/**
 * `bun run soak [--minutes N] [--seed S]`: the whole system under the load of a chaos run, with nothing going wrong. Every few seconds it
 * writes down memory, open files, lag and latency of each process, prints them as a table and says whether anything keeps growing.
 */
import { parseArgs } from "node:util"
import { scrape, valueIn } from "../tests/harness/metrics.ts"
import { type OneProcess, startProcess } from "../tests/harness/one-process.ts"
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
import { growths, type Sample, sampleOf, table } from "./soak-samples.ts"

const MINUTE_MS = 60_000
/** So many rows the table has, however long the run. */
const ROWS = 20

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
  const sql = openReader(cluster.databaseUrl)
  const working = new Load(calls, world, chanceOf(seed, "load")).run()
  const samples: Sample[] = []
  const everyMs = (minutes * MINUTE_MS) / ROWS
  const started = Date.now()
  for (let row = 1; row <= ROWS; row++) {
    await Bun.sleep(started + row * everyMs - Date.now())
    // What was judged is let go: this process is no part of what is measured, but shares its machine.
    const made = calls.made.splice(0)
    samples.push(await sampleOf({ sql, cluster, minute: (row * everyMs) / MINUTE_MS, made, realtimeBehind: () => behind(measured) }))
    for (const { diary } of listeners) diary.heard.length = 0
  }
  calls.stop()
  await working
  for (const listener of listeners) listener.close()
  await sql.end({ timeout: 1 })
  for (const line of table(samples)) console.log(line)
  const growing = growths(samples)
  for (const line of growing) console.log(line)
  process.exitCode = growing.length === 0 ? 0 : 1
})
process.exit()
