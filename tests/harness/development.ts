/** `dev` as a person runs it, in a data folder and on a port of its own. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findFreePort } from "../../scripts/services/ports.ts"
import { type Marked, markedProcesses, type Started } from "./marked-processes.ts"
import { until } from "./services.ts"

export const ROOT = join(import.meta.dir, "..", "..")
/** What the promise allows from the command to the printed address. */
const START_BOUND_MS = 60_000
/** Ten seconds for requests in flight, and the servers after that. */
const STOP_BOUND_MS = 25_000

/** What this test run's own environment must not decide. */
export const CLEAN = {
  DATABASE_URL: undefined,
  MIGRATE_DATABASE_URL: undefined,
  REDIS_HOST: undefined,
  REDIS_PORT: undefined,
  NODE_ENV: undefined,
  AUTH_DEV_TOKENS: undefined,
  FIREBASE_AUTH_EMULATOR_HOST: undefined,
  FIREBASE_PROJECT_ID: undefined,
  CORS_ORIGIN: undefined,
  PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env.PATH}`,
}

export type Development = AsyncDisposable & {
  marked: Marked
  dataDir: string
  port: number
  url: string
  /** Runs the command and returns when it has printed its welcome. */
  start: (command?: string[], env?: Record<string, string>) => Promise<Running>
  /** Resolves when no process of any start is left. */
  nothingLeft: () => Promise<void>
}

export type Running = Started & { tokens: { patient: string; doctor: string; receptionist: string }; commands: string[] }

/** Few doctors, so that a start is quick. */
export const DEV = [process.execPath, "scripts/dev.ts", "--doctors", "50"]

export async function development(): Promise<Development> {
  const dataDir = await mkdtemp(join(tmpdir(), "pulsecal-dev-test-"))
  const port = await findFreePort()
  const marked = markedProcesses()
  return {
    marked,
    dataDir,
    port,
    url: `http://localhost:${port}`,
    start: async (command = DEV, env = {}) => {
      const started = marked.start(command, {
        cwd: ROOT,
        env: { ...CLEAN, PORT: String(port), DATA_DIR: dataDir, ...env },
        serversIn: dataDir,
      })
      const ended = started.exited.then(() => {
        throw new Error(`ended instead of starting:\n${started.output()}`)
      })
      ended.catch(() => {})
      await Promise.race([until("the welcome", () => started.output().includes("Ctrl-C stops everything"), START_BOUND_MS), ended])
      return { ...started, ...readWelcome(started.output()) }
    },
    nothingLeft: async () => {
      const left = () => marked.left().map((p) => `${p.pid} ${p.command.join(" ")}`)
      await until("nothing is left", () => left().length === 0, STOP_BOUND_MS).catch((error) => {
        throw new Error(`${error.message}: ${left().join("; ")}`)
      })
    },
    async [Symbol.asyncDispose]() {
      await marked[Symbol.asyncDispose]()
      await until("nothing is left", () => marked.left().length === 0)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function readWelcome(output: string): Pick<Running, "tokens" | "commands"> {
  const token = (role: string) => new RegExp(`^  ${role}\\s+(\\S+)$`, "m").exec(output)?.[1] ?? ""
  const commands = [...output.matchAll(/^\d\. .*\n\n(.+)$/gm)].map((m) => m[1] ?? "")
  return { tokens: { patient: token("patient"), doctor: token("doctor"), receptionist: token("receptionist") }, commands }
}
