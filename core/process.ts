/** How a process of ours ends: asked by a signal, or because whoever started it is gone. */
import { onLauncherDeath } from "./launcher.ts"

/** What a request in flight may take; afterwards the process ends whatever is still open. */
export const STOP_TIMEOUT_MS = 10_000

export type Stoppable = {
  /** A log of `core/log.ts`, or anything that can say a line. */
  log: { info(line: string): void; error(fields: { err: unknown }, line: string): void }
  /** Ends gracefully: readiness first, then what is in flight, then connections. */
  stop: () => Promise<void>
  timeoutMs?: number
}

/**
 * Stops the process once, gracefully, on SIGTERM, SIGINT (a terminal's Ctrl-C may arrive twice), the death of the
 * supervisor that started it or of the `npm` or `npx` above it. Exit code 0; 1 if stopping failed or took too long,
 * with a line that says so.
 */
export function handleSignals({ log, stop, timeoutMs = STOP_TIMEOUT_MS }: Stoppable): void {
  let stopping = false
  const end = async (reason: string) => {
    if (stopping) return
    stopping = true
    log.info(`stopping: ${reason}`)
    setTimeout(() => {
      log.error({ err: new Error("stop timed out") }, `not stopped within ${timeoutMs} ms: ending with work in flight`)
      process.exit(1)
    }, timeoutMs)
    try {
      await stop()
      log.info("stopped")
      process.exit(0)
    } catch (error) {
      log.error({ err: error }, "stopping failed")
      process.exit(1)
    }
  }
  process.on("SIGTERM", () => void end("SIGTERM"))
  process.on("SIGINT", () => void end("SIGINT"))
  onParentDeath((who) => void end(`the ${who} is gone`))
}

/** Calls back once, when the supervisor (over whose channel we were started) or a launcher above is gone. */
export function onParentDeath(callback: (who: "supervisor" | "launcher") => void): void {
  // The supervisor starts its processes with a channel, which the system closes however the supervisor ends.
  if (process.connected) process.on("disconnect", () => callback("supervisor"))
  onLauncherDeath(() => callback("launcher"))
}
