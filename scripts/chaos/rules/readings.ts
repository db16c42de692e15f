/** What is answered at the end, when all is quiet, against the rows: by a count of our own, and for nobody more than what is theirs. */
import type { AppointmentRow, Evidence, Person, Reading, Violation } from "../evidence.ts"
import { dayOf } from "./days.ts"
import { figuresOn } from "./figures.ts"

const PROMISE = "what is read when all is quiet is what the rows hold, and all of it"
const HOLDING = new Set(["PENDING", "CONFIRMED", "WAITING", "IN_PROGRESS"])
/** Doctors work at all hours, and their zones are whole half-hours from UTC. */
const SLOT_MS = 1_800_000
const TWO_DAYS_MS = 2 * 86_400_000

type Rows = Pick<Evidence, "appointments" | "payments">
type Item = Record<string, unknown>

export function checkReadings(evidence: Evidence): Violation[] {
  return evidence.readings.flatMap((reading) => {
    const { process, person, path, status } = reading
    const said = `${person.uid} is answered by ${process} (${path})`
    if (evidence.dismissed.includes(person.uid))
      return status === 403 ? [] : [{ promise: "whoever was turned away reads nothing", what: `${said} ${status}`, about: [person.uid] }]
    if (status !== 200)
      return [{ promise: "whoever asks when all is quiet is answered", what: `${said} ${status || "not at all"}`, about: [person.uid] }]
    const faults = faultsOf(reading, ownRows(person, evidence))
    return faults.map(({ what, about }) => ({ promise: PROMISE, what: `${said} ${what}`, about: [about ?? person.uid] }))
  })
}

type Fault = { what: string; about?: string }

function faultsOf(reading: Reading, rows: Rows): Fault[] {
  if (reading.path.startsWith("/doctors/analytics")) return figures(reading, rows)
  if (reading.path.startsWith("/doctors/")) return freeTimes(reading, rows)
  return reading.path === "/payments" ? payments(reading, rows) : appointments(reading, rows)
}

/** A patient's and a doctor's own, a desk's clinic's. */
function ownRows({ role, doctorId, patientId, clinicId }: Person, { appointments, payments }: Rows): Rows {
  const isOwn = (row: { doctorId: string; patientId: string; clinicId: string }) =>
    (role === "DOCTOR" && row.doctorId === doctorId) ||
    (role === "PATIENT" && row.patientId === patientId) ||
    (role === "RECEPTIONIST" && row.clinicId === clinicId)
  return { appointments: appointments.filter(isOwn), payments: payments.filter(isOwn) }
}

const instantOf = (text: unknown) => (text === null ? null : Date.parse(String(text)))

function appointments({ body }: Reading, rows: Rows): Fault[] {
  const shown = listOf(body).map(({ id, status, version, scheduledAt }) => ({
    id: String(id),
    text: `${status}, version ${version}, at ${instantOf(scheduledAt)}`,
  }))
  const held = rows.appointments.map(({ id, status, version, start }) => ({ id, text: `${status}, version ${version}, at ${start}` }))
  const times = listOf(body).map(({ scheduledAt }) => instantOf(scheduledAt) ?? 0)
  const isInOrder = times.every((time, n) => n === 0 || (times[n - 1] as number) <= time)
  return [...differences(shown, held), ...(isInOrder ? [] : [{ what: "and not by time" }])]
}

function payments({ body }: Reading, rows: Rows): Fault[] {
  const shown = listOf(body).map(({ id, status, amount, paidAt }) => ({
    id: String(id),
    text: `${status}, ${Number(amount)}, paid ${instantOf(paidAt)}`,
  }))
  const held = rows.payments.map(({ id, status, amount, paidAt }) => ({
    id,
    text: `${status}, ${Number(amount)}, paid ${paidAt && Math.round(paidAt)}`,
  }))
  return differences(shown, held)
}

const listOf = ({ data }: Item) => data as Item[]

type Line = { id: string; text: string }

function differences(shown: Line[], held: Line[]): Fault[] {
  const rows = new Map(held.map(({ id, text }) => [id, text]))
  const seen = new Set<string>()
  const wrong = shown.flatMap(({ id, text }): Fault[] => {
    if (seen.has(id)) return [{ what: `with ${id} twice`, about: id }]
    seen.add(id)
    if (!rows.has(id)) return [{ what: `with ${id}, which is not there or not theirs`, about: id }]
    return rows.get(id) === text ? [] : [{ what: `with ${id} as ${text}; the row is ${rows.get(id)}`, about: id }]
  })
  return [...wrong, ...held.filter(({ id }) => !seen.has(id)).map(({ id }) => ({ what: `without ${id}`, about: id }))]
}

/** Of today, or of yesterday if midnight struck meanwhile. */
function figures({ path, person, from, to, body }: Reading, rows: Rows): Fault[] {
  const period = path.split("=")[1] as string
  const timezone = person.timezone as string
  const today = [from, to].map((at) => dayOf(at, timezone)).find((day) => day === body.to) ?? dayOf(to, timezone)
  const { computedAt, ...answered } = body
  return differs("", answered, figuresOn(today, { period, timezone }, rows)).map((what) => ({ what }))
}

/** By the names of both, down to what is not the same. */
function differs(name: string, answered: unknown, counted: unknown): string[] {
  if (!isObject(answered) || !isObject(counted))
    return answered === counted ? [] : [`with${name} ${JSON.stringify(answered)}; counted are ${JSON.stringify(counted)}`]
  const names = new Set([...Object.keys(answered), ...Object.keys(counted)])
  return [...names].flatMap((part) => differs(`${name} ${part}`, answered[part], counted[part]))
}

const isObject = (value: unknown): value is Item => typeof value === "object" && value !== null

/** Every half-hour of the day that nobody holds. */
function freeTimes({ path, person, body }: Reading, rows: Rows): Fault[] {
  const date = path.split("=")[1] as string
  const first = Date.parse(date) - TWO_DAYS_MS
  const halfHours = Array.from({ length: (3 * TWO_DAYS_MS) / SLOT_MS }, (_, n) => first + n * SLOT_MS)
  const holding = rows.appointments.filter(({ status }) => HOLDING.has(status))
  const free = halfHours.filter((start) => dayOf(start, person.timezone as string) === date && !holding.some((row) => overlaps(row, start)))
  const offered = (body.slots as { start: string; end: string }[]).map(({ start, end }) => [Date.parse(start), Date.parse(end)])
  const starts = new Set(offered.map(([start]) => start as number))
  const isInTurn = offered.every(([start = 0, end], n) => end === start + SLOT_MS && (n === 0 || (offered[n - 1]?.[0] as number) < start))
  const text = (at: number) => new Date(at).toISOString()
  return [
    ...free.filter((start) => !starts.has(start)).map((start) => ({ what: `without ${text(start)}, which nobody holds` })),
    ...[...starts].filter((start) => !free.includes(start)).map((start) => ({ what: `with ${text(start)}, which is not free` })),
    ...(isInTurn ? [] : [{ what: "and not by half-hours, each in its turn" }]),
  ]
}

function overlaps({ start, end }: AppointmentRow, slot: number): boolean {
  return start < slot + SLOT_MS && slot < end
}
