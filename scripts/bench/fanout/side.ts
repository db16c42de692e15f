/** One of the two that are compared: a server with its clients, each a process of its own, and what tells it an event. */
import { readFile } from "node:fs/promises"
import type { Answer, Ask, Round } from "./clients.ts"

/** The kernel's unit of processor time. */
const TICKS_PER_SECOND = 100
const MS_PER_TICK = 1_000 / TICKS_PER_SECOND

/** Tells the events, and when each began. */
export type Tell = (count: number) => Promise<number[]>
export type Server = { pid: number; port: number; tell: Tell; stop: () => Promise<void> }

export type Measured = { perSecond: number; p50: number; p99: number; cpuMicros: number; faults: number }

export class Side {
  readonly #child: Bun.Subprocess
  #answered = Promise.withResolvers<Answer>()
  #cut = 0
  kilobytesPerClient = 0

  constructor(
    readonly server: Server,
    readonly clients: number,
  ) {
    this.#child = Bun.spawn([process.execPath, `${import.meta.dir}/clients.ts`], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (answer: Answer) => this.#answered.resolve(answer),
    })
  }

  async connect(): Promise<void> {
    const before = await memoryKb(this.server.pid)
    await this.#ask({ ask: "connect", port: this.server.port, clients: this.clients })
    this.kilobytesPerClient = ((await memoryKb(this.server.pid)) - before) / this.clients
  }

  /** Tells events, `everyMs` apart or as fast as they can be told, and waits until all have heard all. */
  async round(events: number, everyMs: number): Promise<Measured> {
    await this.#ask({ ask: "expect", events })
    const cpuBefore = await cpuMs(this.server.pid)
    const starts = everyMs === 0 ? await this.server.tell(events) : await this.#paced(events, everyMs)
    const outcome = (await this.#ask({ ask: "outcome", starts })) as Answer & Round
    const cpu = (await cpuMs(this.server.pid)) - cpuBefore
    const deliveries = events * this.clients
    return {
      perSecond: (deliveries / (outcome.endMs - (starts[0] as number))) * 1_000,
      p50: outcome.p50,
      p99: outcome.p99,
      cpuMicros: (cpu * 1_000) / deliveries,
      faults: outcome.faults + outcome.cut - this.#cut,
    }
  }

  async close(): Promise<void> {
    this.#child.kill("SIGKILL")
    await this.server.stop()
  }

  async #paced(events: number, everyMs: number): Promise<number[]> {
    const begun = performance.now()
    const telling: Promise<number[]>[] = []
    for (let n = 0; n < events; n++) {
      const wait = begun + n * everyMs - performance.now()
      if (wait > 0) await Bun.sleep(wait)
      telling.push(this.server.tell(1))
    }
    return (await Promise.all(telling)).flat()
  }

  async #ask(message: Ask): Promise<Answer> {
    this.#answered = Promise.withResolvers<Answer>()
    this.#child.send(message)
    return await this.#answered.promise
  }
}

async function memoryKb(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1])
}

/** Its threads included, user and system. */
async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
}
