/** A run in which nothing is wrong, small enough to be read: what tests plant their faults in. */
import type { AppointmentRow, AuditEntry, Call, Diary, DoctorState, Evidence, Found, LogRow, Person, Search } from "./evidence.ts"
import { readings } from "./sound-readings.ts"

const HALF_HOUR_MS = 1_800_000
export const START = Date.parse("2030-01-07T10:00:00Z")
export const doctor: Person = { uid: "doctor", role: "DOCTOR", doctorId: "d", clinicId: "c", timezone: "UTC" }
export const patient: Person = { uid: "patient", role: "PATIENT", patientId: "p", city: "lisbon" }
export const rival: Person = { uid: "rival", role: "PATIENT", patientId: "p2", city: "delhi" }
export const desk: Person = { uid: "x", role: "RECEPTIONIST", clinicId: "c" }

export const at = (slot: number) => new Date(START + slot * HALF_HOUR_MS).toISOString()

export function row(offset: number, name: string, subject: string, data: LogRow["data"]): LogRow {
  return { offset, seq: offset, id: `e${offset}`, name, subject, data, at: offset }
}

export function booked(offset: number, id: string, slot: number, reason: string): LogRow {
  return row(offset, "appointment:new", `appointment:${id}`, { appointmentId: id, patientName: "Pat", scheduledAt: at(slot), reason })
}

export function moved(offset: number, id: string, slot: number, status: string): LogRow {
  return row(offset, "appointment:update", `appointment:${id}`, { appointmentId: id, status, scheduledAt: at(slot) })
}

export const counted = (offset: number, waiting: number, inProgress: number) =>
  row(offset, "queue:update", "queue:c", { clinicId: "c", waiting, inProgress })

export const placed = (offset: number, id: string, position: number) =>
  row(offset, "queue:position", "queue:c", { appointmentId: id, position, estimatedStart: at(0) })

export function appointment(id: string, slot: number, rest: Partial<AppointmentRow>): AppointmentRow {
  const start = START + slot * HALF_HOUR_MS
  const times = { start, end: start + HALF_HOUR_MS }
  return { id, doctorId: "d", clinicId: "c", patientId: "p", status: "PENDING", version: 1, reason: null, ...times, ...rest }
}

export function diary(person: Person, log: LogRow[], offsets: number[]): Diary {
  const heard = offsets.map((offset) => {
    const { id, name, data } = log[offset - 1] as LogRow
    return { connection: 0, at: offset, name, data, id, offset }
  })
  return { client: person.uid, person, transport: "websocket", connections: [{ at: 0, lastOffset: 0 }], heard, gaps: [], ready: [] }
}

/** Answered at once. */
export function call(who: string, what: string, status: number, body: Record<string, unknown>, asked: Partial<Call> = {}): Call {
  const [method, path] = what.split(" ") as [Call["method"], string]
  return { who, method, path, attempts: [{ at: 1, ms: 1, outcome: status }], answer: { status, body }, ...asked }
}

const book = (who: string, id: string, slot: number, key: string) =>
  call(who, "POST /appointments", 201, { id, version: 1, status: "PENDING", scheduledAt: at(slot) }, { key, body: { reason: key } })

const move = (id: string, slot: number, status: string, version: number) =>
  call("doctor", `PUT /appointments/${id}`, 200, { id, version, status, scheduledAt: at(slot) }, { body: { status } })

export function entry(uid: string, action: string, resource: string, id: string, outcome = "DONE"): AuditEntry {
  return { at: new Date(1).toISOString(), uid, action, resource, ids: [id], outcome }
}

/** Of two doctors in one place one moves away, 120 km north, at 5 s. */
export const here = { active: true, latitude: 39, longitude: -73, fee: 100, specialization: "Cardiology" }
export const there = { ...here, latitude: 40.08 }
export const NORTH_KM = 120.09

export function state(doctorId: string, atMs: number, change: Partial<DoctorState> = {}): DoctorState {
  return { ...here, ...change, doctorId, at: atMs }
}

export function found(id: string, { latitude, longitude, fee, specialization }: typeof here, distanceKm: number): Found {
  return { id, latitude, longitude, fee, specialization, distanceKm }
}

export function search(process: string, from: number, of: Search["answer"]): Search {
  return { process, from, to: from + 10, query: { latitude: 39, longitude: -73, radius: 500 }, answer: of }
}

export function answer(list: Found[], served = "index", status = 200): NonNullable<Search["answer"]> {
  return { status, served, found: list, total: list.length }
}

export const before = () => answer([found("d", here, 0), found("e", here, 0)])
export const after = () => answer([found("d", here, 0), found("e", there, NORTH_KM)])

/** A schedule that runs every minute, looked at. */
export const scheduled = (atMs: number, nextMs = atMs + 60_000) => ({ at: atMs, next: { remind: nextMs } })

const PAID = { createdAt: 2, paidAt: START, refundedAt: null }

/** What `e` is answered who moves away. */
const gone = { id: "e", active: true, clinicLatitude: there.latitude, clinicLongitude: there.longitude, consultationFee: 100 }

function calls(): Call[] {
  const next = { key: "next-1", body: { doctorId: "d" } }
  return [
    book("patient", "a", 0, "book-1"),
    book("rival", "b", 1, "book-2"),
    book("patient", "q", 2, "book-3"),
    move("a", 0, "CONFIRMED", 2),
    move("q", 2, "CONFIRMED", 2),
    move("q", 2, "WAITING", 3),
    call("desk", "POST /receptionists/queue/next", 200, { id: "q", version: 4, status: "IN_PROGRESS", scheduledAt: at(2) }, next),
    call("patient", "POST /payments", 201, { id: "m", amount: 0.01, status: "PENDING" }, { key: "pay-1", body: { amount: 0.01 } }),
    call("doctor", "PUT /payments/m/status", 200, { id: "m", amount: 0.01, status: "COMPLETED" }, { body: { status: "COMPLETED" } }),
    call("x", "POST /receptionists", 201, { id: "rx", clinicId: "c", status: "ACTIVE" }),
    call("newcomer", "POST /doctors", 201, { id: "n", city: "Lisbon" }),
    call(
      "e",
      "PATCH /doctors/me",
      200,
      { ...gone, specialization: "Cardiology" },
      { attempts: [{ at: 4_990, ms: 20, outcome: 200 }], body: { clinicLatitude: there.latitude, clinicLongitude: there.longitude } },
    ),
  ]
}

/** A booking that is confirmed and paid, one that is neither, and one that has waited and gone in. */
export function sound(): Evidence {
  const log = [
    booked(1, "a", 0, "book-1"),
    moved(2, "a", 0, "CONFIRMED"),
    row(3, "payment:update", "payment:m", { paymentId: "m", appointmentId: "a", amount: 0.01, status: "COMPLETED" }),
    booked(4, "b", 1, "book-2"),
    row(5, "access:changed", "account:x", { uid: "x" }),
    booked(6, "q", 2, "book-3"),
    moved(7, "q", 2, "CONFIRMED"),
    moved(8, "q", 2, "WAITING"),
    counted(9, 1, 0),
    placed(10, "q", 1),
    moved(11, "q", 2, "IN_PROGRESS"),
    counted(12, 0, 1),
    row(13, "doctor:new", "doctor:n", { doctorId: "n", city: "Lisbon" }),
  ]
  return {
    dismissed: [],
    calls: calls(),
    diaries: [diary(doctor, log, [1, 2, 3, 4, 6, 7, 8, 9, 11, 12]), diary(patient, log, [2, 7, 8, 10, 11, 13]), diary(rival, log, [])],
    crashes: [],
    faults: [{ at: 0, endedAt: 2, what: "kill api-0" }],
    log,
    appointments: [
      appointment("a", 0, { status: "CONFIRMED", version: 2, reason: "book-1" }),
      appointment("b", 1, { patientId: "p2", reason: "book-2" }),
      appointment("q", 2, { status: "IN_PROGRESS", version: 4, reason: "book-3" }),
    ],
    payments: [
      { id: "m", appointmentId: "a", doctorId: "d", patientId: "p", clinicId: "c", amount: "0.0100", status: "COMPLETED", ...PAID },
    ],
    figures: [{ doctorId: "d", day: "2030-01-07", kept: "3 booked", counted: "3 booked" }],
    work: { head: 13, cursor: 13, unpublished: 0, due: 0, givenUp: 0, jobs: 0 },
    schedules: { seen: [scheduled(0), scheduled(60_000), scheduled(150_000)], failed: [{ id: "repeat:1", at: 5 }] },
    doctorStates: [state("d", 1), state("e", 1), state("e", 5_000, there)],
    searches: [search("api-0", 4_000, before()), search("api-0", 5_900, before()), search("api-0", 7_000, after())],
    worlds: [{ process: "api-0", way: "by place", answer: after() }],
    readings: readings(doctor, patient, at(0).slice(0, 10)),
    lives: [{ process: "api-0", from: 0, to: Number.POSITIVE_INFINITY }],
    calm: [{ from: 100, to: 9_000 }],
    audit: { entries: entries(), unsealed: 0, verified: "" },
  }
}

function entries(): AuditEntry[] {
  return [
    entry("patient", "CREATE", "appointment", "a"),
    entry("doctor", "CHANGE", "appointment", "a"),
    entry("rival", "CREATE", "appointment", "b"),
    entry("patient", "CREATE", "payment", "m"),
    entry("doctor", "CHANGE", "payment", "m"),
    entry("patient", "CREATE", "appointment", "q"),
    entry("doctor", "CHANGE", "appointment", "q"),
    entry("doctor", "CHANGE", "appointment", "q"),
    entry("desk", "CHANGE", "appointment", "q"),
  ]
}
