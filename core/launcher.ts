/**
 * The processes between whoever typed the command and this one: `npx`, `npm`, the shells between them and `bun`.
 * Killing one of them with SIGKILL tells nobody, so the processes below look after it themselves.
 */
import { readFileSync } from "node:fs"
import { basename } from "node:path"

/** A process as it was when first seen: a pid alone may be given to another process later. */
export type ProcessIdentity = { pid: number; parent: number; startedAt: string; command: string[] }

/** npx → sh → bun → sh → us is five; a chain longer than this is not a launcher's. */
const MAX_CHAIN = 12

/** The process, or undefined when it is gone or a zombie. Reads /proc, and asks `ps` where there is none. */
export function findProcess(pid: number): ProcessIdentity | undefined {
  return process.platform === "linux" ? readProc(pid) : askPs(pid)
}

function readProc(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The name, in brackets, may hold anything; the fields after it are: state, parent, …, and start time as the 20th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    if (fields[0] === "Z" || fields[0] === "X") return undefined
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean)
    return { pid, parent: Number(fields[1]), startedAt: fields[19] ?? "", command }
  } catch {
    return undefined
  }
}

function askPs(pid: number): ProcessIdentity | undefined {
  const ps = Bun.spawnSync(["ps", "-ww", "-o", "ppid=,state=,lstart=,command=", "-p", String(pid)], { env: { LC_ALL: "C" } })
  // " 501 S Mon Nov 22 17:58:42 2026 npm exec bun dev"
  const match = /^\s*(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/m.exec(ps.stdout.toString())
  if (!match || match[2]?.startsWith("Z")) return undefined
  return { pid, parent: Number(match[1]), startedAt: match[3] ?? "", command: (match[4] ?? "").split(" ") }
}

/** Whether this very process, not another that got its pid, still lives. */
export function isAlive(process_: ProcessIdentity): boolean {
  return findProcess(process_.pid)?.startedAt === process_.startedAt
}

const RUNNERS = new Set(["npm", "npx", "bunx", "pnpm", "pnpx", "yarn"])
const RUNNER_SCRIPTS = new Set(["npm-cli.js", "npx-cli.js", "npm", "npx", "pnpm.cjs", "yarn.js"])
const SHELLS = new Set(["sh", "bash", "dash", "zsh", "ash", "busybox"])

/** Whether a command line is a package runner's: one that runs a script of package.json and waits for it. */
export function isRunner(command: string[]): boolean {
  // npm replaces its command line by a title: "npm exec bun dev".
  const words = command.length === 1 ? (command[0] ?? "").split(" ") : command
  const name = basename(words[0] ?? "").replace(/\.exe$/, "")
  if (RUNNERS.has(name)) return true
  if (name === "node") return words.slice(1).some((w) => RUNNER_SCRIPTS.has(basename(w)))
  if (name === "bun") return words[1] !== "test" && !words.slice(1).some((w) => /\.[cm]?[jt]sx?$/.test(w))
  return false
}

/**
 * The ancestors that launched this process: up to the topmost package runner, with the shells between. Whatever is
 * above (a terminal's shell, a test, an init system) may come and go without meaning us.
 */
export function launchers(pid = process.ppid): ProcessIdentity[] {
  const chain: ProcessIdentity[] = []
  let length = 0
  for (let next = pid; next > 1 && chain.length < MAX_CHAIN; ) {
    const found = findProcess(next)
    if (!found) break
    const runner = isRunner(found.command)
    if (!runner && !SHELLS.has(basename(found.command[0] ?? "").replace(/^-/, ""))) break
    chain.push(found)
    if (runner) length = chain.length
    next = found.parent
  }
  return chain.slice(0, length)
}

/** Often enough that a killed terminal's processes are gone before anybody looks. */
const WATCH_INTERVAL_MS = 250

/** Calls back once, when a launcher dies. Returns a function that ends the watch. */
export function onLauncherDeath(callback: () => void): () => void {
  const chain = launchers()
  const parent = process.ppid
  if (chain.length === 0) return () => {}
  // Away from Linux only what costs no process is looked at: whether the pids still exist, and who our parent is.
  const alive = process.platform === "linux" ? isAlive : (p: ProcessIdentity) => pidExists(p.pid)
  const timer = setInterval(() => {
    if (process.ppid === parent && chain.every(alive)) return
    clearInterval(timer)
    callback()
  }, WATCH_INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}
