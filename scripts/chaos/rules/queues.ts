/**
 * The log's queue events against the moves that it announces: the clinic hears its counts after each move into or out of its queue, each
 * waiting patient their place, and `next` calls the first. A run is shorter than the four hours that an entry stays at least.
 */
import type { AppointmentRow, Evidence, LogRow, Violation } from "../evidence.ts"
import { isSuccess } from "./answers.ts"

const PRESENT = new Set(["WAITING", "IN_PROGRESS"])
/** Of one doctor's, so many are told of one change. */
const TOLD_MAX = 100

/** A move whose announcement has not come yet. */
type Owed = { id: string; offset: number | null; from: string; to: string }

export function checkQueues(evidence: Evidence): Violation[] {
  const queues = Map.groupBy(evidence.appointments, (row) => row.clinicId)
  return [...queues].flatMap(([clinicId, rows]) => new Queue(clinicId, rows, evidence).check())
}

class Queue {
  readonly #rows: Map<string, AppointmentRow>
  readonly #statuses = new Map<string, string>()
  readonly #places = new Map<string, number>()
  readonly #violations = new Map<string, Violation>()
  readonly #calledNext: Set<string>
  #owed: Owed | undefined
  /** Announced without a move: the order may have changed. */
  #reorders = 0

  constructor(
    private readonly clinicId: string,
    rows: AppointmentRow[],
    private readonly evidence: Evidence,
  ) {
    this.#rows = new Map(rows.map((row) => [row.id, row]))
    const nexts = evidence.calls.filter((call) => call.path === "/receptionists/queue/next").filter(isSuccess)
    this.#calledNext = new Set(nexts.map((call) => String(call.answer.body.id)))
  }

  check(): Violation[] {
    for (const event of this.evidence.log) {
      if (event.name === "queue:update" && event.data.clinicId === this.clinicId) this.#announced(event)
      const row = this.#rows.get(String(event.data.appointmentId))
      if (!row) continue
      if (event.name === "queue:position") this.#placed(event, row)
      if (event.name === "appointment:new" || event.name === "appointment:update") this.#moved(event, row)
    }
    this.#settle()
    this.#end()
    return [...this.#violations.values()]
  }

  #moved({ name, data, offset }: LogRow, { id }: AppointmentRow): void {
    const [from, to] = [this.#statuses.get(id) ?? "PENDING", name === "appointment:new" ? "PENDING" : String(data.status)]
    if (!PRESENT.has(from) && !PRESENT.has(to)) return void this.#statuses.set(id, to)
    this.#settle()
    const place = this.#places.get(id)
    if (to === "IN_PROGRESS" && this.#calledNext.has(id) && place !== undefined && place > 1)
      this.#complain("whoever is called in is the first who waits", `${id} was called in at ${offset} from place ${place}`, [id])
    this.#places.delete(id)
    this.#statuses.set(id, to)
    this.#owed = { id, offset, from, to }
  }

  #announced({ data, offset, id }: LogRow): void {
    if (this.#owed === undefined) {
      this.#settle()
      this.#reorders++
    }
    this.#owed = undefined
    const [waiting, inProgress] = [this.#count("WAITING"), this.#count("IN_PROGRESS")]
    if (data.waiting === waiting && data.inProgress === inProgress) return
    const what = `clinic ${this.clinicId} was told of ${data.waiting} and ${data.inProgress} at ${offset}; there were ${waiting} and ${inProgress}`
    this.#complain(COUNTED, what, [id, this.clinicId])
  }

  #placed({ data, offset, id }: LogRow, row: AppointmentRow): void {
    if (this.#statuses.get(row.id) !== "WAITING")
      this.#complain(PLACED, `${row.id} was told a place at ${offset} and did not wait`, [id, row.id])
    else this.#places.set(row.id, Number(data.position))
  }

  /** All that belongs to one change has been told: now the counts are out, and the places of each doctor's are 1, 2, 3, … */
  #settle(): void {
    if (this.#owed) {
      const { id, offset, from, to } = this.#owed
      this.#complain(COUNTED, `clinic ${this.clinicId} was not told that ${id} went from ${from} to ${to} at ${offset}`, [
        id,
        this.clinicId,
      ])
    }
    this.#owed = undefined
    const waiting = [...this.#rows.values()].filter(({ id }) => this.#statuses.get(id) === "WAITING")
    for (const own of Map.groupBy(waiting, (row) => row.doctorId).values()) if (own.length <= TOLD_MAX) this.#compare(own.map((r) => r.id))
  }

  #compare(waiting: string[]): void {
    const byPlace = new Map<number, string>()
    for (const id of waiting) {
      const place = this.#places.get(id)
      const other = byPlace.get(place ?? 0)
      if (place === undefined) this.#complain(PLACED, `${id} waits and was told no place`, [id])
      else if (other) this.#complain(PLACED, `${other} and ${id} were both told place ${place}`, [other, id])
      else if (place > waiting.length) this.#complain(PLACED, `${id} was told place ${place} of ${waiting.length}`, [id])
      byPlace.set(place ?? 0, id)
    }
  }

  #end(): void {
    for (const status of PRESENT) {
      const rows = [...this.#rows.values()].filter((row) => row.status === status).length
      if (rows !== this.#count(status))
        this.#complain(COUNTED, `clinic ${this.clinicId} has ${rows} ${status}; by the log it has ${this.#count(status)}`, [this.clinicId])
    }
    const asked = this.evidence.calls.filter(({ method, path }) => method === "PUT" && this.#isReorder(path))
    const answered = asked.filter(isSuccess).length
    const tried = asked
      .flatMap((c) => c.attempts)
      .filter(({ outcome }) => typeof outcome === "string" || outcome === 200 || outcome === 503)
    if (this.#reorders < answered || this.#reorders > tried.length) {
      const what = `clinic ${this.clinicId} was told ${this.#reorders} times without a move; ${answered} orders were answered, ${tried.length} tried`
      this.#complain(COUNTED, what, [this.clinicId])
    }
  }

  #isReorder(path: string): boolean {
    return path.startsWith("/receptionists/queue/") && this.#rows.has(path.slice("/receptionists/queue/".length))
  }

  #count(status: string): number {
    return [...this.#statuses.values()].filter((s) => s === status).length
  }

  /** Once: what is wrong stays wrong for a while. */
  #complain(promise: string, what: string, about: string[]): void {
    this.#violations.set(what, { promise, what, about })
  }
}

const COUNTED = "a clinic is told how many wait and are seen after every change of its queue"
const PLACED = "whoever waits has been told their place, and nobody else the same"
