/**
 * `bun run bench:analytics`: a year's figures of a doctor with 100,000 appointments from rollups against the same on demand, in turns;
 * how long after a call that completes a payment its figure shows and is heard at 200 events a second; and how many events a second the
 * rollups keep up with. `--rates 2000 --seconds 120` measures that alone. Durable commits; api, worker and realtime are processes of their own.
 */
import { parseArgs } from "node:util"
import { io } from "socket.io-client"
import { readAnalytics } from "../../core/analytics/read.ts"
import { recomputeRollups } from "../../core/analytics/recompute.ts"
import { openPool } from "../../core/db.ts"
import { Publisher } from "../../core/events/publisher.ts"
import { openLog } from "../../core/log.ts"
import { openRedis } from "../../core/redis.ts"
import { got, person } from "../../tests/harness/api.ts"
import { until } from "../../tests/harness/services.ts"
import {
  changeVisits,
  type Doctor,
  insertDoctors,
  insertHistory,
  insertPatients,
  insertVisits,
  summarizeOnDemand,
} from "./analytics-practice.ts"
import { median, percentile, say, spread, startBench } from "./environment.ts"
import { startProcess } from "./processes.ts"

const APPOINTMENTS = 100_000
const PATIENTS = 20_000
const ROUNDS = 7
const READS = 200
const QUERIES = 5

const DOCTORS = 500
const VISITS_EACH = 40
const FRESHNESS_EVENTS_PER_SECOND = 200
const PAYMENTS = 300
/** Seconds at each rate: what is promised is held for longer, so that a slow growth would show, through two vacuums at least. */
const SECONDS_AT = { 1000: 12, 2000: 180, 4000: 20, 8000: 20, 10000: 20 }
const SECONDS_MAX = 600
const LAG_EVERY_MS = 500
/** The lag is shown as the median of each of so many equal stretches of time. */
const STRETCHES = 6
/** A lag that has grown by less than this from the second stretch to the last is not growing. */
const LAG_GROWTH_MAX_S = 1

const { values: options } = parseArgs({ options: { rates: { type: "string" }, seconds: { type: "string", default: "60" } } })
/** Of `--rates 2000,3000 --seconds 120`, which measures nothing else; or of all. */
const rates = options.rates
  ? options.rates.split(",").map((rate) => [Number(rate), Math.min(Number(options.seconds), SECONDS_MAX)] as const)
  : Object.entries(SECONDS_AT).map(([rate, seconds]) => [Number(rate), seconds] as const)
if (rates.flat().some((n) => !(n > 0))) throw new Error("--rates and --seconds take numbers above 0")

await using bench = await startBench()
const { pool } = bench
const log = openLog("bench", "silent")
const patients = await insertPatients(pool, PATIENTS)

async function compareReads(): Promise<void> {
  const [doctor] = (await insertDoctors(pool, 1)) as [Doctor]
  say(`inserting ${APPOINTMENTS} appointments`)
  await insertHistory(pool, doctor.doctorId, patients, APPOINTMENTS)
  await pool`insert into rollups_due (doctor_id, every_day) values (${doctor.doctorId}, true)`
  await recomputeRollups(pool, doctor.doctorId)
  await pool`vacuum analyze`
  const now = Date.now()
  const year = await readAnalytics(pool, doctor.doctorId, "year", now)
  const previousFrom = Temporal.PlainDate.from(year.from).subtract({ months: 12 }).toString()
  const onDemand = () => summarizeOnDemand(pool, doctor.doctorId, year.from, year.to, previousFrom)
  const { appointments, revenue, newPatients } = year.summary
  const plain = await onDemand()
  if (!Bun.deepEquals([appointments, revenue, newPatients], [plain?.appointments, plain?.revenue, plain?.newPatients]))
    throw new Error(`figures differ: ${JSON.stringify([year.summary, plain])}`)
  const rounds: { rollups: number; query: number }[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const rollups = await medianMs(READS, () => readAnalytics(pool, doctor.doctorId, "year", now))
    const query = await medianMs(QUERIES, onDemand)
    if (round > 0) rounds.push({ rollups, query })
  }
  const ms = (v: number) => v.toFixed(2)
  const of = (pick: (r: { rollups: number; query: number }) => number, format = ms) => spread(rounds.map(pick), format)
  console.log(`| a year's figures, ${APPOINTMENTS.toLocaleString("en")} appointments, server ms | median (min–max) |\n|---|---|`)
  console.log(`| from rollups | ${of((r) => r.rollups)} |\n| on demand | ${of((r) => r.query)} |`)
  console.log(
    `| on demand ÷ rollups | ${of(
      (r) => r.query / r.rollups,
      (v) => v.toFixed(0),
    )} |`,
  )
}

async function medianMs(times: number, act: () => Promise<unknown>): Promise<number> {
  const took: number[] = []
  for (let n = 0; n < times; n++) {
    const started = performance.now()
    await act()
    took.push(performance.now() - started)
  }
  return median(took)
}

/** How long the oldest change has waited: unpublished, unread, or with its rollups due. Seconds. */
async function lag(): Promise<number> {
  const [row] = await pool<{ lag: number }[]>`
    select coalesce(extract(epoch from clock_timestamp() - least(
      (select occurred_at from events where "offset" is null order by seq limit 1),
      (select occurred_at from events where "offset" = (select "offset" + 1 from work_cursor)),
      (select since from rollups_due order by id limit 1))), 0)::float8 as lag`
  return row?.lag ?? 0
}

const settled = () => until("nothing is left to do", async () => (await lag()) === 0, 120_000)

async function measureFreshness(visits: string[], { doctorId, uid }: Doctor, urls: { api: string; realtime: string }): Promise<void> {
  const { token, client } = person(urls.api, uid)
  const socket = io(`${urls.realtime}/notifications`, { auth: { token }, transports: ["websocket"] })
  let heard = 0
  socket.on("analytics:update", () => heard++)
  await new Promise((resolve) => socket.once("stream:ready", resolve))
  const shown: number[] = []
  const told: number[] = []
  let running = true
  const load = (async () => {
    while (running) await changeVisits(pool, visits, FRESHNESS_EVENTS_PER_SECOND, 1_000, () => publisher.nudge())
  })()
  const patientId = patients[0] as string
  for (let n = 1; n <= PAYMENTS; n++) {
    const { id } = await got(client.payments.$post({ json: { doctorId, patientId, amount: 0.01, method: "CASH" } }))
    const before = heard
    const asked = performance.now()
    await got(client.payments[":id"].status.$put({ param: { id }, json: { status: "COMPLETED" } }))
    const figure = async () => (await got(client.doctors.analytics.$get({ query: { period: "day" } }))).summary.revenue === n / 100
    await Promise.all([
      until("the figure shows", figure, 10_000).then(() => shown.push(performance.now() - asked)),
      until("the doctor hears", () => heard > before, 10_000).then(() => told.push(performance.now() - asked)),
    ])
    await Bun.sleep(Math.random() * 50)
  }
  running = false
  await load
  socket.disconnect()
  const both = (values: number[]) => `${percentile(values, 50).toFixed(0)} / ${percentile(values, 99).toFixed(0)}`
  console.log(
    `\n| ${PAYMENTS} payments at ${FRESHNESS_EVENTS_PER_SECOND} events a second, ms after the call that completes it | p50 / p99 |\n|---|---|`,
  )
  console.log(`| \`GET /doctors/analytics\` shows it | ${both(shown)} |\n| \`analytics:update\` is heard | ${both(told)} |`)
}

async function measureRates(visits: string[]): Promise<void> {
  console.log(
    `\n| changes a second, of ${DOCTORS} doctors | for | written a second | median lag in each sixth of the time, s | most | keeps up |`,
  )
  console.log("|---|---|---|---|---|---|")
  for (const [rate, seconds] of rates) {
    const lags: number[] = []
    const sampling = setInterval(() => lag().then((now) => lags.push(now)), LAG_EVERY_MS)
    const written = await changeVisits(pool, visits, rate, seconds * 1_000, () => publisher.nudge())
    clearInterval(sampling)
    lags.push(await lag())
    const stretches = Array.from({ length: STRETCHES }, (_, n) =>
      median(lags.slice(Math.floor((n * lags.length) / STRETCHES), Math.floor(((n + 1) * lags.length) / STRETCHES))),
    )
    const growth = (stretches.at(-1) as number) - (stretches[1] as number)
    const shown = stretches.map((s) => s.toFixed(2)).join(" · ")
    const keepsUp = growth < LAG_GROWTH_MAX_S ? "yes" : "no"
    console.log(`| ${rate} | ${seconds} s | ${(written / seconds).toFixed(0)} | ${shown} | ${Math.max(...lags).toFixed(2)} | ${keepsUp} |`)
    await settled()
  }
}

if (!options.rates) await compareReads()
const redis = openRedis(bench.config.redis, { name: "bench" })
const session = openPool(bench.config.databaseUrl, { max: 1, name: "publisher" })
const publisher = new Publisher({ session, redis, log, streamMaxEvents: bench.config.streamMaxEvents })
const doctors = await insertDoctors(pool, DOCTORS)
const [teller] = (await insertDoctors(pool, 1)) as [Doctor]
const visits = await insertVisits(pool, doctors, patients, VISITS_EACH)
const environment = { ...bench.environment, LOG_LEVEL: "warn" }
await insertVisits(pool, [teller], patients.slice(0, 1), 1)
const [worker, realtime] = [await startProcess("worker", environment), await startProcess("realtime", environment)]
await until("the worker has begun", async () => (await pool`select from work_cursor`).length === 1, 15_000)
await settled()
await pool`vacuum analyze`
if (!options.rates) {
  const api = await startProcess("api", environment)
  await measureFreshness(visits, teller, { api: api.url, realtime: realtime.url })
  await api.stop()
}
await measureRates(visits)
await Promise.all([worker.stop(), realtime.stop()])
await publisher.close()
await session.end({ timeout: 1 })
redis.disconnect()
await bench[Symbol.asyncDispose]()
process.exit(0)
