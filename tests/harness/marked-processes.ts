/** Commands run as a person would, with every process that comes of them known by a mark in its environment. */
import { type ChildProcess, spawn } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { findProcess, type ProcessIdentity } from "../../core/launcher.ts"

const MARK = "PULSECAL_TEST_MARK"

export type Marked = AsyncDisposable & {
  /** Starts a command in a process group of its own, as a terminal does. */
  start: (command: string[], options?: { cwd?: string; env?: Record<string, string | undefined>; serversIn?: string }) => Started
  /** What is still there, of whatever was started, at any depth. */
  left: () => ProcessIdentity[]
}

export type Started = {
  pid: number
  output: () => string
  exited: Promise<{ code: number | null; signal: string | null }>
  /** To every process of its group, as a terminal's Ctrl-C or `kill -- -pid`. */
  signalGroup: (signal: NodeJS.Signals) => void
}

export function markedProcesses(): Marked {
  const mark = `${MARK}=${Bun.randomUUIDv7()}`
  const [name = "", value = ""] = mark.split("=")
  // Redis writes its title over its environment; it is known by the folder it works in.
  const folders = new Set<string>()
  const isOurs = (pid: number) =>
    environmentOf(pid).includes(mark) || [...folders].some((folder) => workingFolderOf(pid).startsWith(folder))
  const left = () => allPids().flatMap((pid) => (isOurs(pid) ? (findProcess(pid) ?? []) : []))
  return {
    left,
    start: (command, options = {}) => {
      if (options.serversIn) folders.add(options.serversIn)
      return startCommand(command, { ...options, env: { ...options.env, [name]: value } })
    },
    async [Symbol.asyncDispose]() {
      for (const { pid } of left()) killIfThere(pid)
    },
  }
}

function startCommand([program = "", ...args]: string[], { cwd, env }: { cwd?: string; env: Record<string, string | undefined> }): Started {
  const child: ChildProcess = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk.toString()))
  const pid = child.pid ?? -1
  return {
    pid,
    output: () => output,
    exited: new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal }))),
    signalGroup: (signal) => process.kill(-pid, signal),
  }
}

function allPids(): number[] {
  if (process.platform === "linux")
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  return Bun.spawnSync(["ps", "-axo", "pid="]).stdout.toString().trim().split(/\s+/).map(Number)
}

function environmentOf(pid: number): string {
  if (process.platform !== "linux") return Bun.spawnSync(["ps", "-Eww", "-o", "command=", "-p", String(pid)]).stdout.toString()
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8")
  } catch {
    return ""
  }
}

function workingFolderOf(pid: number): string {
  try {
    return process.platform === "linux" ? readlinkSync(`/proc/${pid}/cwd`) : ""
  } catch {
    return ""
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // Ended by itself meanwhile.
  }
}
