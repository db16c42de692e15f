/** Two api, two worker and two realtime processes, an edge, one Postgres and one Redis, each a process of its own. */
import { closeSync, openSync, readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type TestRedis, testRedis, until } from "../../tests/harness/services.ts"
import { ensureDatabase } from "../services/database.ts"
import { migrateDatabase, runUrlOf } from "../services/migration.ts"
import { findFreePort } from "../services/ports.ts"
import { startPostgres } from "../services/postgres.ts"
import { logTail } from "../services/server.ts"
import { keepDoctorStates } from "./doctor-states.ts"
import type { EdgeSaid } from "./edge.ts"
import type { Crash, Life } from "./evidence.ts"

export const PROCESSES = ["api-0", "api-1", "worker-0", "worker-1", "realtime-0", "realtime-1"] as const
export type ProcessName = (typeof PROCESSES)[number]

/** A machine under load starts six at once slowly. */
const START_TIMEOUT_MS = 60_000
/** Longer than a readiness check may take. */
const ANSWER_TIMEOUT_MS = 3_000
const READY_LOOK_MS = 50
/** Crash safety is what is tried here, but of processes: a power cut would need the disk's word. */
const POSTGRES_SETTINGS = ["fsync=off", "full_page_writes=off", "max_connections=300", "track_commit_timestamp=on"]
const REPOSITORY = join(import.meta.dir, "..", "..")

export type ClusterOptions = {
  /** Whose source runs: a patched copy, perhaps. */
  root?: string
  say: (line: string) => void
  settings?: Record<string, string>
}

export type Cluster = AsyncDisposable & Awaited<ReturnType<typeof openCluster>>

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = await openCluster(options)
  return Object.assign(cluster, { [Symbol.asyncDispose]: cluster.close })
}

async function openCluster({ root = REPOSITORY, say, settings = {} }: ClusterOptions) {
  const folder = await mkdtemp(join(tmpdir(), "pulsecal-chaos-"))
  const postgres = await ownPostgres(folder, say)
  await ensureDatabase(postgres.url, () => {})
  const runUrl = runUrlOf(postgres.url, "chaos")
  await migrateDatabase(postgres.url, runUrl, join(root, "sql"))
  await keepDoctorStates(postgres.url)
  const redis = await testRedis({ persist: true })
  const processes = await ownProcesses(root, folder, { ...environmentOf(runUrl, redis), ...settings })
  const edge = await startEdge(processes.ports)
  await Promise.all(PROCESSES.map(processes.start))
  return {
    url: edge.url,
    /** Of the owner: the checker reads all, and the processes run as another role. */
    databaseUrl: postgres.url,
    redis,
    postgres,
    processes,
    /** Resets every `n`th connection at the edge; how many those were. One at a time. */
    cut: edge.cut,
    async close() {
      edge.child.kill("SIGKILL")
      await Promise.all(PROCESSES.map(processes.kill))
      redis.resume()
      await redis[Symbol.asyncDispose]()
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Comes back on its old port, with what it had committed. */
async function ownPostgres(dataDir: string, say: (line: string) => void) {
  let server = await startPostgres({ dataDir, say, settings: POSTGRES_SETTINGS })
  return {
    url: Object.assign(new URL(server.adminUrl), { pathname: "/chaos" }).href,
    stop: () => server.stop(),
    /** As a crash: the server's own word for it is an immediate shutdown. */
    async crash() {
      process.kill(server.pid, "SIGQUIT")
      await server.exited
    },
    async start() {
      server = await startPostgres({ dataDir, say, settings: POSTGRES_SETTINGS, port: server.port })
    },
  }
}

function environmentOf(databaseUrl: string, redis: TestRedis): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    NODE_ENV: "test",
    HOST: "127.0.0.1",
    DATABASE_URL: databaseUrl,
    DATABASE_POOL: "10",
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "warn",
  }
}

async function ownProcesses(root: string, folder: string, environment: Record<string, string>) {
  const ports = new Map<ProcessName, number>()
  for (const name of PROCESSES) ports.set(name, await findFreePort())
  const running = new Map<ProcessName, Bun.Subprocess>()
  const crashes: Crash[] = []
  const lives: Life[] = []
  const end = (name: ProcessName) => {
    const life = lives.findLast((l) => l.process === name)
    if (life) life.to = Math.min(life.to, Date.now())
  }
  const logOf = (name: ProcessName) => join(folder, `${name}.log`)
  const start = async (name: ProcessName): Promise<void> => {
    const output = openSync(logOf(name), "w")
    lives.push({ process: name, from: Date.now(), to: Number.POSITIVE_INFINITY })
    const child = Bun.spawn([process.execPath, join(root, name.split("-")[0] ?? "", "main.ts")], {
      // Over this channel it notices when we are gone, and goes too.
      ipc: () => {},
      env: { ...environment, PORT: String(ports.get(name)) },
      stdio: ["ignore", output, output],
      onExit: (_, code, signal) => {
        closeSync(output)
        if (running.get(name) !== child) return
        end(name)
        crashes.push({ at: Date.now(), process: name, how: `${signal ?? `code ${code}`}\n${logTail(logOf(name))}` })
        // As whatever supervises processes would: what else is broken shows all the same.
        void start(name).catch(() => {})
      },
    })
    running.set(name, child)
    const url = `http://127.0.0.1:${ports.get(name)}/health`
    await until(`${name} answers`, () => answers(url), START_TIMEOUT_MS)
  }
  return {
    ports,
    crashes,
    lives,
    pid: (name: ProcessName) => running.get(name)?.pid,
    /** All that it has said since it was started. */
    printed: (name: ProcessName) => readFileSync(logOf(name), "utf8"),
    signal: (name: ProcessName, signal: NodeJS.Signals) => running.get(name)?.kill(signal),
    start,
    async kill(name: ProcessName) {
      const child = running.get(name)
      running.delete(name)
      end(name)
      child?.kill("SIGKILL")
      await child?.exited
    },
    /** Until all are ready to serve; who is not by then says why. */
    async ready() {
      const deadline = Date.now() + START_TIMEOUT_MS
      for (const [name, port] of ports) {
        const url = `http://127.0.0.1:${port}/health/ready`
        while (!(await answers(url))) {
          if (Date.now() > deadline) throw new Error(`${name} is not ready: ${await textOf(url)}`)
          await Bun.sleep(READY_LOOK_MS)
        }
      }
    },
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { keepalive: false, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })).ok
  } catch {
    return false
  }
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url, { keepalive: false, signal: AbortSignal.timeout(2 * ANSWER_TIMEOUT_MS) }).catch((error) => error)
  return response instanceof Response ? await response.text() : String(response)
}

async function startEdge(ports: Map<ProcessName, number>) {
  const port = await findFreePort()
  const of = (kind: string) => PROCESSES.filter((name) => name.startsWith(kind)).map((name) => ports.get(name))
  const listening = Promise.withResolvers<void>()
  const command = [process.execPath, join(import.meta.dir, "edge.ts"), String(port), of("api").join(), of("realtime").join()]
  let cut = Promise.withResolvers<number>()
  const ipc = (said: EdgeSaid) => ("cut" in said ? cut.resolve(said.cut) : listening.resolve())
  const child = Bun.spawn(command, { ipc, stdio: ["ignore", "inherit", "inherit"] })
  await listening.promise
  return {
    child,
    url: `http://127.0.0.1:${port}`,
    cut(n: number): Promise<number> {
      cut = Promise.withResolvers()
      child.send({ cut: n })
      return cut.promise
    },
  }
}
