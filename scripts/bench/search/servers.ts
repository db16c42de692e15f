/** Each contender as a process of its own, known by its address. */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Redis } from "ioredis"
import type { RedisConfig } from "../../../core/config.ts"
import type { Readiness } from "../../../core/health.ts"
import { findFreePort } from "../../services/ports.ts"
import { run } from "../../services/run.ts"
import { SetupError } from "../../services/say.ts"
import type { ContenderName } from "./contenders.ts"
import type { PeerReady } from "./peers/server.ts"
import type { World } from "./worlds.ts"

const ROOT = join(import.meta.dir, "..", "..", "..")
/** A peer reads a million doctors first. */
const START_TIMEOUT_MS = 300_000
const STOP_TIMEOUT_MS = 5_000
const POLL_MS = 20
const PS_TIMEOUT_MS = 5_000
/** The most that the setting takes; one caller alone would not do that many searches a minute here. */
const READS_PER_MINUTE = 1_000_000
/** Stdout is the table's alone. */
const STDERR = 2
/** As many as the API has by default. */
const POOL = 20

export type Running = {
  name: ContenderName
  url: string
  /** How long its index took to make: the peers' own, PulseCal's from the start of the process to `searchIndex: ready`. */
  loadSeconds: number | undefined
  /** PulseCal's private address for its metrics. */
  metricsUrl?: string
  /** What the process occupies now. */
  residentMb: () => Promise<number>
  /** The most that it has occupied so far. */
  peakMb: () => Promise<number>
  /** What it has computed so far, whole seconds. */
  processorSeconds: () => Promise<number>
  stop: () => Promise<void>
}

export type Surroundings = { world: World; redis: RedisConfig; peerRedis: RedisConfig; projectId: string }

export async function startContender(name: ContenderName, surroundings: Surroundings): Promise<Running> {
  if (name === "ours" || name === "ours-sql") return (await startOurs(name, surroundings)).running
  const { world, peerRedis } = surroundings
  const ready = Promise.withResolvers<PeerReady>()
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "peers", "server.ts"), name, world.url, String(peerRedis.port)], {
    stdio: ["ignore", STDERR, STDERR],
    ipc: (message) => ready.resolve(message as PeerReady),
    onExit: (_, code) => ready.reject(new SetupError(`${name} ended while starting (code ${code})`)),
  })
  const timer = setTimeout(() => ready.reject(new SetupError(`${name} did not start in time`)), START_TIMEOUT_MS)
  try {
    const { url, loadSeconds } = await ready.promise
    const handle = handleOf(child)
    if (name !== "redis") return { name, url, loadSeconds, ...handle }
    return { name, url, loadSeconds, ...handle, residentMb: async () => (await handle.residentMb()) + (await redisMb(peerRedis)) }
  } catch (error) {
    await handleOf(child).stop()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

export type Watched = Running & { tell: () => Promise<unknown> }

/** PulseCal with a module loaded before it that tells something when it is asked, and what it told. */
export async function startWatched(preload: string, surroundings: Surroundings): Promise<Watched> {
  let told = Promise.withResolvers<unknown>()
  const { child, running } = await startOurs("ours", surroundings, {
    preload: ["--preload", preload],
    ipc: (message) => told.resolve(message),
  })
  const tell = () => {
    told = Promise.withResolvers()
    child.send("tell")
    return told.promise
  }
  return { ...running, tell }
}

type Watching = { preload: string[]; ipc: (message: unknown) => void }
const UNWATCHED: Watching = { preload: [], ipc: () => {} }

/** The API as it is deployed: token, validation, limits and metrics on; no line a request, and development's tokens, since nobody signs here. */
async function startOurs(name: "ours" | "ours-sql", surroundings: Surroundings, watching = UNWATCHED) {
  const { handle, url, metricsUrl, child, started } = await spawnOurs(name, surroundings, watching)
  try {
    const searchIndex = await untilLoaded(url, child)
    const loadSeconds = searchIndex === "off" ? undefined : (performance.now() - started) / 1000
    return { child, running: { name, url, metricsUrl, loadSeconds, ...handle } }
  } catch (error) {
    await handle.stop()
    throw error
  }
}

async function spawnOurs(name: "ours" | "ours-sql", { world, redis, projectId }: Surroundings, { preload, ipc }: Watching) {
  const [port, metricsPort] = [await findFreePort(), await findFreePort()]
  const environment = {
    NODE_ENV: "test",
    HOST: "127.0.0.1",
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    DATABASE_URL: world.url,
    DATABASE_POOL: String(POOL),
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    FIREBASE_PROJECT_ID: projectId,
    AUTH_DEV_TOKENS: "1",
    RATE_LIMIT: "1",
    RATE_LIMIT_READS_PER_MINUTE: String(READS_PER_MINUTE),
    LOG_LEVEL: "error",
    ...(name === "ours-sql" ? { SEARCH_INDEX_MAX_MB: "0" } : {}),
  }
  const started = performance.now()
  const child = Bun.spawn([process.execPath, ...preload, join(ROOT, "api", "main.ts")], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ["ignore", STDERR, STDERR],
    ipc,
  })
  const [url, metricsUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${metricsPort}/metrics`]
  return { handle: handleOf(child), url, metricsUrl, child, started }
}

/** Waits until the process serves and its index is loaded, off or given up; says which. */
async function untilLoaded(url: string, child: Bun.Subprocess): Promise<string> {
  const until = performance.now() + START_TIMEOUT_MS
  while (performance.now() < until && child.exitCode === null) {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined)
    const readiness = (await answer?.json()) as Readiness | undefined
    const searchIndex: string | undefined = readiness?.checks.searchIndex
    if (answer?.ok && searchIndex !== undefined && searchIndex !== "loading") return searchIndex
    await Bun.sleep(POLL_MS)
  }
  throw new SetupError("the API did not become ready")
}

/** A Redis serves as well, and its memory counts. */
async function redisMb({ host, port }: RedisConfig): Promise<number> {
  const redis = new Redis({ host, port })
  try {
    const bytes = (await redis.info("memory")).match(/used_memory_rss:(\d+)/)?.[1]
    return Number(bytes) / (1024 * 1024)
  } finally {
    redis.disconnect()
  }
}

function handleOf(child: Bun.Subprocess) {
  const ask = async (what: string) =>
    Number((await run(["ps", "-o", `${what}=`, "-p", String(child.pid)], { timeoutMs: PS_TIMEOUT_MS })).output)
  return {
    residentMb: async () => (await ask("rss")) / 1024,
    peakMb: async () =>
      Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => ""))?.[1]) / 1024,
    processorSeconds: () => ask("cputimes"),
    async stop() {
      child.kill("SIGTERM")
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS)
      await child.exited
      clearTimeout(timer)
    },
  }
}

/** Which path served a search, where the server says so. */
export async function servedBy(url: string, path: string, token: string): Promise<string | undefined> {
  const answer = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
  await answer.arrayBuffer()
  const timing = answer.headers.get("server-timing") ?? undefined
  return timing?.match(/desc="?([\w-]+)/)?.[1] ?? timing
}
