/**
 * `bun run bench:search:start`: how long an API process takes from its start until its index serves, what it occupies then and later, and
 * how long it holds its event loop when it has to load again while it serves; on the worlds of `bench:search`. `--sizes`, `--rounds` and
 * `--data` as there. Exits with 1 where a bound is missed.
 */
import { join } from "node:path"
import { mintDevelopmentToken } from "../../../core/auth/development.ts"
import { openPool } from "../../../core/db.ts"
import { announce } from "../../../core/events/log.ts"
import { Publisher } from "../../../core/events/publisher.ts"
import type { Readiness } from "../../../core/health.ts"
import { openLog } from "../../../core/log.ts"
import { openRedis } from "../../../core/redis.ts"
import { until } from "../../../tests/harness/services.ts"
import { runCommand } from "../../services/say.ts"
import { median, say, spread } from "../environment.ts"
import type { LoopDelays } from "./loop-watch.ts"
import { readOptions } from "./options.ts"
import { startWatched, type Watched } from "./servers.ts"
import { openStage, type Stage } from "./stage.ts"
import { ensureWorld, type World } from "./worlds.ts"

/** By then the garbage of the start is collected. */
const LATER_MS = 10_000
const RELOAD_TIMEOUT_MS = 120_000
/** Searches without a loading, beside which the loading is held: about as long as that takes. */
const QUIET_MS = 10_000
const STREAM_MAX_EVENTS = 1_000
const BYTES_PER_MB = 1024 * 1024
const LOOP_WATCH = join(import.meta.dir, "loop-watch.ts")
const PROJECT = "demo-pulsecal"
const SEARCH = "/api/v1/doctors/search?latitude=40.71&longitude=-74&radius=10"
/** Of a million doctors. */
const BOUNDS = { doctors: 1_000_000, seconds: 10, laterMb: 700 }
/** What a slice of a loading may hold the loop for. */
const HOLD_MS = 5
/** The collector frees what is dead in pieces of so long, searches and loading alike, and nothing here makes them shorter. */
const COLLECTOR_PIECE_MS = 10

type Start = {
  seconds: number
  processorSeconds: number
  residentMb: number
  peakMb: number
  laterMb: number
  indexMb: number
  /** While searches went on and nothing was loaded. */
  quiet: Holds
  /** While they went on and the index was loaded again. */
  reload: Holds
}

/** The longest that the loop was held, how often it was for more than 5 ms, and in what time. */
type Holds = { longestMs: number; over: number; seconds: number }

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2))
  await using stage = await openStage(options.data)
  console.log(
    "| doctors | ready, s | of the processor, s | resident when ready, MB | 10 s later | at most until then | the index's arrays | loaded again in, s | meanwhile held, ms, at most; over 5 | the same in 10 s without |",
  )
  console.log("|---|---|---|---|---|---|---|---|---|---|")
  const missed: string[] = []
  for (const doctors of options.sizes) {
    const starts: Start[] = []
    for (let round = 0; round < options.rounds; round++) starts.push(await startOnce(stage, doctors))
    console.log(describe(doctors, starts))
    if (doctors === BOUNDS.doctors) missed.push(...misses(starts))
  }
  for (const line of missed) say(`missed: ${line}`)
  if (missed.length > 0) process.exitCode = 1
})

async function startOnce(stage: Stage, doctors: number): Promise<Start> {
  const world = await ensureWorld(stage.adminUrl, doctors, stage.postgis, say)
  const ours = await startWatched(LOOP_WATCH, { world, ...stage, projectId: PROJECT })
  try {
    const [residentMb, processorSeconds] = [await ours.residentMb(), await ours.processorSeconds()]
    const metrics = await (await fetch(ours.metricsUrl as string)).text()
    const indexMb = Number(/^pulsecal_search_index_bytes (\S+)$/m.exec(metrics)?.[1]) / BYTES_PER_MB
    await Bun.sleep(LATER_MS)
    const [laterMb, peakMb] = [await ours.residentMb(), await ours.peakMb()]
    const quiet = await whileSearched(ours, () => Bun.sleep(QUIET_MS))
    const reload = await whileSearched(ours, () => reloadOnce(ours, stage, world))
    return { seconds: ours.loadSeconds as number, processorSeconds, residentMb, peakMb, laterMb, indexMb, quiet, reload }
  } finally {
    await ours.stop()
  }
}

/** How the loop is held while `something` goes on, and searches one after the other. */
async function whileSearched(ours: Watched, something: () => Promise<unknown>): Promise<Holds> {
  const stop = new AbortController()
  const searching = searchOn(ours.url, stop.signal)
  try {
    await ours.tell()
    const started = performance.now()
    await something()
    const seconds = (performance.now() - started) / 1000
    const { longestRunMs, over } = (await ours.tell()) as LoopDelays
    return { longestMs: longestRunMs, over, seconds }
  } finally {
    stop.abort()
    await searching
  }
}

/** As after an import: it is told that many doctors came at once. Searches go on by SQL. */
async function reloadOnce(ours: Watched, stage: Stage, world: World): Promise<void> {
  const searchIndex = async () => ((await (await fetch(`${ours.url}/health/ready`)).json()) as Readiness).checks.searchIndex
  const pool = openPool(world.url, { max: 1, name: "bench" })
  const redis = openRedis(stage.redis, { name: "bench" })
  // A worker would do this.
  const publisher = new Publisher({ session: pool, redis, log: openLog("bench", "silent"), streamMaxEvents: STREAM_MAX_EVENTS })
  try {
    await announce(pool, { name: "doctors:imported", data: { count: 0 }, about: {} })
    await publisher.sweep()
    await until("it loads again", async () => (await searchIndex()) === "loading", RELOAD_TIMEOUT_MS)
    await until("it is ready again", async () => (await searchIndex()) === "ready", RELOAD_TIMEOUT_MS)
  } finally {
    await publisher.close()
    redis.disconnect()
    await pool.end()
  }
}

/** One after the other, so that there is something to be held up. */
async function searchOn(url: string, signal: AbortSignal): Promise<void> {
  const token = mintDevelopmentToken({ projectId: PROJECT, uid: "bench", expiresInSeconds: 3600 })
  while (!signal.aborted) await (await fetch(url + SEARCH, { headers: { authorization: `Bearer ${token}` } })).arrayBuffer()
}

function misses(starts: Start[]): string[] {
  const [seconds, laterMb] = [median(starts.map((start) => start.seconds)), median(starts.map((start) => start.laterMb))]
  return [
    ...(seconds <= BOUNDS.seconds ? [] : [`ready after ${seconds.toFixed(1)} s, more than ${BOUNDS.seconds}`]),
    ...starts.flatMap(({ quiet, reload }) => held(quiet, reload)),
    ...(laterMb <= BOUNDS.laterMb ? [] : [`${laterMb.toFixed(0)} MB resident, more than ${BOUNDS.laterMb}`]),
  ]
}

/** More than a slice on top of the collector's piece, or of what holds the loop without a loading on this machine, is a defect of the loading. */
function held(quiet: Holds, reload: Holds): string[] {
  const most = Math.max(quiet.longestMs, COLLECTOR_PIECE_MS) + HOLD_MS
  if (reload.longestMs <= most) return []
  return [`loading again held the loop for ${reload.longestMs.toFixed(1)} ms, more than ${most.toFixed(1)}`]
}

function describe(doctors: number, starts: Start[]): string {
  const column = (of: (start: Start) => number, digits: number) => spread(starts.map(of), (n) => n.toFixed(digits))
  const cells = [
    column((s) => s.seconds, 1),
    column((s) => s.processorSeconds, 0),
    column((s) => s.residentMb, 0),
    column((s) => s.laterMb, 0),
    column((s) => s.peakMb, 0),
    column((s) => s.indexMb, 0),
    column((s) => s.reload.seconds, 1),
    ...[(s: Start) => s.reload, (s: Start) => s.quiet].map((of) => `${column((s) => of(s).longestMs, 1)}; ${column((s) => of(s).over, 0)}`),
  ]
  return `| ${doctors.toLocaleString("en")} | ${cells.join(" | ")} |`
}
