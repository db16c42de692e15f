/** What goes wrong, when: drawn from the seed alone, so that a seed is a story. */
import { Redis } from "ioredis"
import { between, pick, type Random, shuffled, weighted } from "../demo/random.ts"
import { type Cluster, PROCESSES, type ProcessName } from "./cluster.ts"
import type { FaultRecord } from "./evidence.ts"

/** Close enough together that they overlap, far enough apart that the system is seen working between them. */
const PAUSE_MIN_MS = 400
const PAUSE_MAX_MS = 4_000
const FREEZE_MS = 5_000
const REDIS_AWAY_MS = 10_000
const POSTGRES_AWAY_MS = 5_000
const RESTART_MAX_MS = 2_000
const CUT_MAX = 4

const KINDS = {
  kill: 10,
  freeze: 4,
  "cut connections": 4,
  "restart Redis": 2,
  "flush Redis": 2,
  "Redis away": 1,
  "freeze Redis": 1,
  "restart Postgres": 2,
  "Postgres away": 1,
}
type Kind = keyof typeof KINDS
export const FAULT_KINDS = Object.keys(KINDS) as Kind[]

export type Fault = { pauseMs: number; kind: Kind; process: ProcessName; lastsMs: number; every: number }

const kindOf = weighted(FAULT_KINDS, (kind) => KINDS[kind])

/** What of a process is killed: one of each. */
export const KILLED = ["api", "worker", "realtime"] as const
/** What no run goes without: each kind of fault, killing once for each kind of process. */
const CERTAIN: { kind: Kind; of: string }[] = [
  ...KILLED.map((of) => ({ kind: "kill" as const, of })),
  ...FAULT_KINDS.filter((kind) => kind !== "kill").map((kind) => ({ kind, of: "" })),
]
export const CERTAIN_FAULTS = CERTAIN.length

/** Each that is certain, in an order of chance; from then on by weight. */
export function* drawn(random: Random): Generator<Fault, never> {
  for (const { kind, of } of shuffled(random, CERTAIN)) yield fault(random, kind, of)
  for (;;) yield fault(random, kindOf(random), "")
}

function fault(random: Random, kind: Kind, of: string): Fault {
  return {
    pauseMs: between(random, PAUSE_MIN_MS, PAUSE_MAX_MS),
    kind,
    process: pick(
      random,
      PROCESSES.filter((name) => name.startsWith(of)),
    ),
    lastsMs: between(random, 0, RESTART_MAX_MS),
    every: between(random, 1, CUT_MAX),
  }
}

/** Of a fault that was done, without the process that it was done to. */
export function kindIn({ what }: FaultRecord): string {
  return what.replace(/ [a-z]+-\d$/, "")
}

/** The one thing at a time that a fault is done to. */
function targetOf({ kind, process }: Fault): string {
  if (kind.includes("Redis")) return "Redis"
  if (kind.includes("Postgres")) return "Postgres"
  return kind === "cut connections" ? "edge" : process
}

export class Faults {
  readonly done: FaultRecord[] = []
  readonly #busy = new Map<string, Promise<void>>()
  #failure: unknown

  constructor(private readonly cluster: Cluster) {}

  /** Until the deadline or `max` of them; then waits for the last to end. */
  async run(random: Random, deadline: number, max = Number.POSITIVE_INFINITY): Promise<void> {
    const story = drawn(random)
    for (let n = 0; n < max; n++) {
      const fault = story.next().value
      await Bun.sleep(fault.pauseMs)
      // Two faults of one process would be one; the others go on meanwhile.
      await this.#busy.get(targetOf(fault))
      if (Date.now() > deadline || this.#failure !== undefined) break
      this.#begin(fault)
    }
    await Promise.all(this.#busy.values())
    if (this.#failure !== undefined) throw this.#failure
  }

  #begin(fault: Fault): void {
    const target = targetOf(fault)
    const record: FaultRecord = {
      at: Date.now(),
      endedAt: Number.POSITIVE_INFINITY,
      what: target === fault.process ? `${fault.kind} ${target}` : fault.kind,
    }
    this.done.push(record)
    const doing = this.#do(fault, record)
      .catch((error) => {
        this.#failure ??= error
      })
      .finally(() => {
        record.endedAt = Date.now()
      })
    this.#busy.set(target, doing)
  }

  async #do({ kind, process, lastsMs, every }: Fault, record: FaultRecord): Promise<void> {
    const { processes, redis, postgres, cut } = this.cluster
    switch (kind) {
      case "kill":
        await processes.kill(process)
        await Bun.sleep(lastsMs)
        return await processes.start(process)
      case "freeze":
        processes.signal(process, "SIGSTOP")
        await Bun.sleep(FREEZE_MS)
        return void processes.signal(process, "SIGCONT")
      case "cut connections":
        record.cut = await cut(every)
        return
      case "flush Redis":
        return await flush(redis.config)
      case "freeze Redis":
        redis.pause()
        await Bun.sleep(FREEZE_MS)
        return redis.resume()
      case "restart Redis":
      case "Redis away":
        await redis.kill()
        await Bun.sleep(kind === "Redis away" ? REDIS_AWAY_MS : lastsMs)
        return await redis.start()
      case "restart Postgres":
      case "Postgres away":
        await postgres.crash()
        if (kind === "Postgres away") await Bun.sleep(POSTGRES_AWAY_MS)
        return await postgres.start()
    }
  }
}

async function flush({ host, port }: { host: string; port: number }): Promise<void> {
  const client = new Redis({ host, port })
  await client.flushall()
  client.disconnect()
}
