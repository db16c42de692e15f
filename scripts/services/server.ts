/** A database server as a child: outside our signal group, known by a file, and never outliving us. */
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { findProcess, isAlive, type ProcessIdentity } from "../../core/launcher.ts"
import { type Say, SetupError } from "./say.ts"

/** A server that was asked nicely and still runs after this is made to end. */
const STOP_TIMEOUT_MS = 10_000
const POLL_MS = 20
const LOG_TAIL_LINES = 15

export type ServerOptions = {
  name: string
  command: string[]
  /** Where its output goes, emptied at each start. */
  logFile: string
  /** Records which process it is, so that the next start can end one that was left behind. */
  identityFile: string
  /** Asks it to end soon and cleanly. */
  stopSignal: "SIGINT" | "SIGTERM"
  user?: { uid: number; gid: number }
}

export type Server = {
  pid: number
  /** Resolves when it ends, for whatever reason. */
  exited: Promise<string>
  running: () => boolean
  stop: () => Promise<void>
}

/**
 * Starts it in a session of its own: a terminal's Ctrl-C is for us, and we end it last. A keeper, a shell that waits for
 * the end of our pipe, ends it when we are killed.
 */
export function startServer(options: ServerOptions): Server {
  const [program = "", ...args] = options.command
  const output = openSync(options.logFile, "w")
  const child = spawn(program, args, { stdio: ["ignore", output, output], detached: true, cwd: "/", ...options.user })
  closeSync(output)
  let outcome: string | undefined
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message))
    child.once("exit", (code, signal) => resolve(signal ? `signal ${signal}` : `code ${code}`))
  }).then((how) => {
    outcome = how
    return how
  })
  if (child.pid === undefined) throw new SetupError(`${options.name} could not be started: ${program} does not run`)
  const keeper = startKeeper(child.pid, options.stopSignal)
  const identity = findProcess(child.pid)
  if (identity) writeFileSync(options.identityFile, JSON.stringify(identity))
  const forget = exited.then(() => {
    keeper.kill("SIGKILL")
    rmSync(options.identityFile, { force: true })
  })
  return {
    pid: child.pid,
    exited,
    running: () => outcome === undefined,
    stop: async () => {
      if (outcome === undefined) child.kill(options.stopSignal)
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS)
      await forget
      clearTimeout(timer)
    },
  }
}

/** Waits for the end of its input, which comes when we end in whatever way; then ends the server, if need be by force. */
const KEEPER_SCRIPT = `
while read -r _; do :; done
kill -s "$2" "$1" 2>/dev/null || exit 0
i=0
while kill -0 "$1" 2>/dev/null && [ "$i" -lt 10 ]; do sleep 1; i=$((i + 1)); done
kill -s KILL "$1" 2>/dev/null
exit 0`

function startKeeper(pid: number, signal: ServerOptions["stopSignal"]): ChildProcess {
  return spawn("/bin/sh", ["-c", KEEPER_SCRIPT, "keeper", String(pid), signal.replace("SIG", "")], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
  })
}

/** Ends a server that an earlier run left behind, if it still runs. */
export async function stopLeftBehind(identityFile: string, name: string, signal: ServerOptions["stopSignal"], say: Say): Promise<void> {
  const identity = readIdentity(identityFile)
  if (identity && isAlive(identity)) {
    say(`${name} of an earlier run is still there (process ${identity.pid}): stopping it first`)
    await endProcess(identity, signal)
  }
  rmSync(identityFile, { force: true })
}

export async function endProcess(identity: ProcessIdentity, signal: ServerOptions["stopSignal"]): Promise<void> {
  const deadline = Date.now() + STOP_TIMEOUT_MS
  signalProcess(identity.pid, signal)
  while (isAlive(identity)) {
    if (Date.now() > deadline) signalProcess(identity.pid, "SIGKILL")
    if (Date.now() > deadline + STOP_TIMEOUT_MS)
      throw new SetupError(`process ${identity.pid} does not end; end it by hand and start again`)
    await Bun.sleep(POLL_MS)
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

/** The process that a file names, or undefined if the file is missing or was cut short by a crash. */
export function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessIdentity
  } catch {
    return undefined
  }
}

/** The end of a server's log, to show why it failed. */
export function logTail(file: string): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n")
  } catch {
    return ""
  }
}
