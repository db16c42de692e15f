/**
 * Bookings over HTTP, every part a process of its own: one asks and listens, an API books and publishes, a realtime process tells the doctors'
 * sockets. The clock of a commit is Postgres's own.
 */
import type { Socket } from "socket.io-client"
import type { Pool } from "../../core/db.ts"
import { until } from "../../tests/harness/services.ts"
import { bookings, type Call, type Doctor, onboard, take } from "./bookings.ts"
import { connect } from "./events-client.ts"
import type { RunningProcess } from "./processes.ts"

/** What is still on its way after the last booking was answered. */
const LAST_ARRIVALS_MS = 2_000

/** In milliseconds, of every booking. */
export type Latencies = { fromCommit: number[]; fromRequest: number[] }

export const nowMs = () => performance.timeOrigin + performance.now()

export class BookingsHeard {
  readonly #heard = new Map<string, number>()
  #sockets: Socket[] = []
  #calls: Generator<Call> | undefined

  constructor(
    private readonly pool: Pool,
    private readonly api: RunningProcess,
    private readonly realtime: RunningProcess,
  ) {}

  /** Signs people up, and has every doctor listen. Answers with one of them. */
  async open(): Promise<Doctor> {
    const { doctors, tokens } = await onboard(this.api.url)
    this.#calls = bookings(`${this.api.url}/api/v1/appointments`, doctors, tokens)
    this.#sockets = await Promise.all(
      doctors.map(({ token }) => connect(this.realtime.url, token, (appointmentId) => this.#heard.set(appointmentId, nowMs()))),
    )
    return doctors[0] as Doctor
  }

  async round(count: number, perSecond: number): Promise<Latencies> {
    const asked = new Map<string, number>()
    const started = performance.now()
    const asking: Promise<void>[] = []
    for (const [n, call] of take(this.#calls as Generator<Call>, count).entries()) {
      const wait = started + (n * 1_000) / perSecond - performance.now()
      if (wait > 0) await Bun.sleep(wait)
      asking.push(ask(call, asked))
    }
    await Promise.all(asking)
    await until("all are heard", () => [...asked.keys()].every((id) => this.#heard.has(id)), LAST_ARRIVALS_MS)
    const committed = await this.#commits([...asked.keys()])
    const heard = (id: string) => this.#heard.get(id) as number
    return {
      fromCommit: Array.from(committed, ([id, at]) => heard(id) - at),
      fromRequest: Array.from(asked, ([id, at]) => heard(id) - at),
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.disconnect()
  }

  /** Needs `track_commit_timestamp`. */
  async #commits(ids: string[]): Promise<Map<string, number>> {
    const rows = await this.pool<{ id: string; at: number }[]>`
      select id, extract(epoch from pg_xact_commit_timestamp(xmin))::float8 * 1000 as at from appointments where id = any(${ids}::uuid[])`
    return new Map(rows.map(({ id, at }) => [id, at]))
  }
}

async function ask({ url, init }: Call, asked: Map<string, number>): Promise<void> {
  const at = nowMs()
  const response = await fetch(url, init)
  const { id } = (await response.json()) as { id: string }
  if (response.status !== 201) throw new Error(`a booking was answered ${response.status}`)
  asked.set(id, at)
}
