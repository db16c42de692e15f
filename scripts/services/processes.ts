/** Starts our processes, each an operating-system process of its own, and keeps them running or stops them all. */
import { STOP_TIMEOUT_MS } from "../../core/process.ts"
import type { Say } from "./say.ts"

export type ProcessSpec = { name: string; command: string[]; environment: Record<string, string | undefined> }

/** A process that ends more often than this within a minute will not get better by another start. */
const MAX_RESTARTS_PER_MINUTE = 5
const MINUTE_MS = 60_000
const FIRST_RESTART_DELAY_MS = 200
/** The processes end themselves at their own bound and say so; this is for one that cannot. */
const KILL_AFTER_MS = STOP_TIMEOUT_MS + 500
const READY_POLL_MS = 100
const READY_REQUEST_TIMEOUT_MS = 2_000

type Child = { spec: ProcessSpec; process: Bun.Subprocess; restarts: number[] }

export type SupervisorOptions = { say: Say; firstDelayMs?: number; killAfterMs?: number }

export class Supervisor {
  #children = new Map<string, Child>()
  #stopping: Promise<void> | undefined
  #fail: (reason: string) => void = () => {}
  /** Resolves with the reason when it gives up; never, as long as the processes can be kept running. */
  readonly failed = new Promise<string>((resolve) => {
    this.#fail = resolve
  })

  constructor(private readonly options: SupervisorOptions) {}

  start(spec: ProcessSpec): void {
    if (!this.#stopping) this.#spawn(spec, [])
  }

  get pids(): number[] {
    return [...this.#children.values()].map((c) => c.process.pid)
  }

  /** Resolves when every address answers 200; rejects at the deadline, naming what does not. */
  async ready(addresses: Record<string, string>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs
    await Promise.all(
      Object.entries(addresses).map(async ([name, url]) => {
        let last = "no answer"
        while (!this.#stopping) {
          last = await probe(url)
          if (last === "ready") return
          if (Date.now() > deadline) throw new Error(`${name} is not ready within ${timeoutMs / 1000} s (${url}: ${last})`)
          await Bun.sleep(READY_POLL_MS)
        }
      }),
    )
  }

  /** Asks all to end, gracefully and at once, and kills what has not after the bound. */
  stop(): Promise<void> {
    this.#stopping ??= Promise.all([...this.#children.values()].map((child) => this.#end(child))).then(() => {})
    return this.#stopping
  }

  async #end({ spec, process: child }: Child): Promise<void> {
    const { killAfterMs = KILL_AFTER_MS } = this.options
    child.kill("SIGTERM")
    const timer = setTimeout(() => {
      this.options.say(`${spec.name} (process ${child.pid}) has not ended within ${killAfterMs / 1000} s: killed`)
      child.kill("SIGKILL")
    }, killAfterMs)
    await child.exited
    clearTimeout(timer)
  }

  #spawn(spec: ProcessSpec, restarts: number[]): void {
    const child = Bun.spawn(spec.command, {
      env: { ...process.env, ...spec.environment },
      stdio: ["ignore", "inherit", "inherit"],
      // Nothing is sent over it: the system closes it when we end, in whatever way, and the process then stops too.
      ipc: () => {},
      onExit: (_, code, signal) => this.#onExit(spec, restarts, code, signal),
    })
    this.#children.set(spec.name, { spec, process: child, restarts })
  }

  #onExit(spec: ProcessSpec, restarts: number[], code: number | null, signal: number | string | null): void {
    if (this.#stopping) return
    const how = signal === null ? `with code ${code}` : `by signal ${signal}`
    const recent = restarts.filter((at) => at > Date.now() - MINUTE_MS)
    if (recent.length >= MAX_RESTARTS_PER_MINUTE) {
      const reason = `${spec.name} ended ${how} for the ${recent.length + 1}th time within a minute: giving up`
      this.options.say(reason)
      this.#fail(reason)
      return
    }
    const delayMs = (this.options.firstDelayMs ?? FIRST_RESTART_DELAY_MS) * 2 ** recent.length
    this.options.say(`${spec.name} ended unexpectedly ${how}: starting it again in ${delayMs} ms`)
    setTimeout(() => {
      if (!this.#stopping) this.#spawn(spec, [...recent, Date.now()])
    }, delayMs)
  }
}

/** "ready", or why not. */
async function probe(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(READY_REQUEST_TIMEOUT_MS) })
    return answer.ok ? "ready" : `${answer.status} ${(await answer.text()).slice(0, 300)}`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
