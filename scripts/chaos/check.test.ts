import { expect, test } from "bun:test"
import { check } from "./check.ts"
import type { AuditEntry, Diary, DoctorState, Evidence, Found, LogRow, Person, Search } from "./evidence.ts"
import { historyOf } from "./history.ts"

const HALF_HOUR_MS = 1_800_000
const START = Date.parse("2030-01-07T10:00:00Z")
const doctor: Person = { uid: "doctor", role: "DOCTOR", doctorId: "d", clinicId: "c" }
const patient: Person = { uid: "patient", role: "PATIENT", patientId: "p", city: "lisbon" }
const rival: Person = { uid: "rival", role: "PATIENT", patientId: "p2", city: "delhi" }

const at = (slot: number) => new Date(START + slot * HALF_HOUR_MS).toISOString()
const row = (offset: number, name: string, subject: string, data: LogRow["data"]): LogRow => ({
  offset,
  seq: offset,
  id: `e${offset}`,
  name,
  subject,
  data,
  at: offset,
})

function diary(person: Person, log: LogRow[], offsets: number[]): Diary {
  const heard = offsets.map((offset) => {
    const { id, name, data } = log[offset - 1] as LogRow
    return { connection: 0, at: offset, name, data, id, offset }
  })
  return { client: person.uid, person, transport: "websocket", connections: [{ at: 0, lastOffset: 0 }], heard, gaps: [] }
}

const entry = (uid: string, action: string, resource: string, id: string, outcome = "DONE"): AuditEntry => ({
  at: new Date(1).toISOString(),
  uid,
  action,
  resource,
  ids: [id],
  outcome,
})

/** Of two doctors in one place one moves away, 120 km north, at 5 s. */
const here = { active: true, latitude: 39, longitude: -73, fee: 100, specialization: "Cardiology" }
const there = { ...here, latitude: 40.08 }
const state = (doctorId: string, atMs: number, change: Partial<DoctorState> = {}): DoctorState => ({
  ...here,
  ...change,
  doctorId,
  at: atMs,
})
const found = (id: string, { latitude, longitude, fee, specialization }: typeof here, distanceKm: number): Found => ({
  id,
  latitude,
  longitude,
  fee,
  specialization,
  distanceKm,
})
const NORTH_KM = 120.09

function search(process: string, from: number, of: Search["answer"]): Search {
  return { process, from, to: from + 10, query: { latitude: 39, longitude: -73, radius: 500 }, answer: of }
}

function answer(list: Found[], served = "index", status = 200): NonNullable<Search["answer"]> {
  return { status, served, found: list, total: list.length }
}

const before = () => answer([found("d", here, 0), found("e", here, 0)])
const after = () => answer([found("d", here, 0), found("e", there, NORTH_KM)])

/** A booking that is confirmed and paid, and one that is neither; nothing is wrong with any of it. */
function sound(): Evidence {
  const log = [
    row(1, "appointment:new", "appointment:a", { appointmentId: "a", patientName: "Pat", scheduledAt: at(0), reason: "book-1" }),
    row(2, "appointment:update", "appointment:a", { appointmentId: "a", status: "CONFIRMED", scheduledAt: at(0) }),
    row(3, "payment:update", "payment:m", { paymentId: "m", appointmentId: "a", amount: 0.01, status: "COMPLETED" }),
    row(4, "appointment:new", "appointment:b", { appointmentId: "b", patientName: "Rival", scheduledAt: at(1), reason: "book-2" }),
    row(5, "access:changed", "account:x", { uid: "x" }),
  ]
  const appointment = { doctorId: "d", clinicId: "c", start: START, end: START + HALF_HOUR_MS }
  const asked = { method: "POST" as const, path: "/appointments", attempts: [{ at: 1, ms: 1, outcome: 201 }] }
  const answer = { status: 201, body: { id: "a", version: 1, scheduledAt: at(0) } }
  return {
    dismissed: [],
    calls: [
      { ...asked, who: "patient", key: "book-1", body: { reason: "book-1" }, answer },
      { ...asked, who: "rival", key: "book-2", body: { reason: "book-2" }, answer: { ...answer, body: { ...answer.body, id: "b" } } },
    ],
    diaries: [diary(doctor, log, [1, 2, 3, 4]), diary(patient, log, [2]), diary(rival, log, [])],
    crashes: [],
    faults: [{ at: 0, endedAt: 2, what: "kill api-0" }],
    log,
    appointments: [
      { ...appointment, id: "a", patientId: "p", status: "CONFIRMED", version: 2, reason: "book-1" },
      {
        ...appointment,
        id: "b",
        patientId: "p2",
        status: "PENDING",
        version: 1,
        reason: "book-2",
        start: START + HALF_HOUR_MS,
        end: START + 2 * HALF_HOUR_MS,
      },
    ],
    payments: [
      { id: "m", appointmentId: "a", doctorId: "d", patientId: "p", clinicId: "c", amount: "0.0100", status: "COMPLETED", paidAt: START },
    ],
    figures: [{ doctorId: "d", day: "2030-01-07", kept: "2 booked", counted: "2 booked" }],
    work: { head: 5, cursor: 5, unpublished: 0, due: 0, givenUp: 0, jobs: 0 },
    doctorStates: [state("d", 1), state("e", 1), state("e", 5_000, there)],
    searches: [search("api-0", 4_000, before()), search("api-0", 5_900, before()), search("api-0", 7_000, after())],
    worlds: [{ process: "api-0", way: "by place", answer: after() }],
    lives: [{ process: "api-0", from: 0, to: Number.POSITIVE_INFINITY }],
    calm: [{ from: 100, to: 9_000 }],
    audit: {
      entries: [
        entry("patient", "CREATE", "appointment", "a"),
        entry("doctor", "CHANGE", "appointment", "a"),
        entry("rival", "CREATE", "appointment", "b"),
        entry("patient", "CREATE", "payment", "m"),
        entry("doctor", "CHANGE", "payment", "m"),
      ],
      unsealed: 0,
      verified: "",
    },
  }
}

test("the checker finds nothing wrong with a run in which nothing is", () => {
  expect(check(sound())).toEqual([])
})

type Breach = { breaks: (evidence: Evidence) => void; promise: RegExp }
const heardBy = (evidence: Evidence, n: number) => (evidence.diaries[n] as Diary).heard
const BREACHES: Record<string, Breach> = {
  "an event that a client never heard": { breaks: (e) => void heardBy(e, 0).splice(1, 1), promise: /reaches everyone/ },
  "an event that somebody else heard": {
    breaks: (e) => void heardBy(e, 2).push(heardBy(e, 0)[0] as Diary["heard"][number]),
    promise: /not theirs/,
  },
  "an internal event that went out": {
    breaks: (e) => void heardBy(e, 0).push(...diary(doctor, e.log, [5]).heard),
    promise: /not theirs/,
  },
  "an event that the log does not hold": {
    breaks: (e) => Object.assign(heardBy(e, 1)[0] ?? {}, { id: "gone" }),
    promise: /only what was committed/,
  },
  "an event that says something else than the log": {
    breaks: (e) => Object.assign(heardBy(e, 1)[0] ?? {}, { data: { appointmentId: "a", status: "CANCELLED", scheduledAt: at(0) } }),
    promise: /only what was committed/,
  },
  "an event twice on one connection": {
    breaks: (e) => void heardBy(e, 1).push(heardBy(e, 1)[0] as Diary["heard"][number]),
    promise: /offsets strictly grow/,
  },
  "a connection that begins before where it asked to": {
    breaks: (e) => Object.assign(e.diaries[1]?.connections[0] ?? {}, { lastOffset: 2 }),
    promise: /offsets strictly grow/,
  },
  "changes of one appointment in another order": {
    breaks: (e) => {
      const [first, second] = heardBy(e, 0) as [Diary["heard"][number], Diary["heard"][number]]
      heardBy(e, 0).splice(0, 2, second, { ...first, connection: 1 })
      e.diaries[0]?.connections.push({ at: 3, lastOffset: 0 })
    },
    promise: /of one subject/,
  },
  "a gap where nothing was deleted": { breaks: (e) => void e.diaries[0]?.gaps.push({ at: 1, from: 0, to: 1 }), promise: /gap/ },
  "a hole in the offsets": { breaks: (e) => Object.assign(e.log[4] ?? {}, { offset: 6 }), promise: /offsets are dense/ },
  "a later change with an earlier offset": {
    breaks: (e) => Object.assign(e.log[0] ?? {}, { seq: 9 }),
    promise: /in order for each subject/,
  },
  "an announcement of what was never booked": {
    breaks: (e) => void e.appointments.pop(),
    promise: /a change of an appointment and its event/,
  },
  "a change that was not announced": {
    breaks: (e) => Object.assign(e.appointments[1] ?? {}, { version: 2 }),
    promise: /a change of an appointment and its event/,
  },
  "a move that the contract does not have": {
    breaks: (e) => {
      Object.assign(e.log[1]?.data ?? {}, { status: "COMPLETED" })
      Object.assign(e.appointments[0] ?? {}, { status: "COMPLETED" })
    },
    promise: /a change of an appointment and its event/,
  },
  "two patients at one time": {
    breaks: (e) => Object.assign(e.appointments[1] ?? {}, { start: START }),
    promise: /two patients at one time/,
  },
  "a booking that was answered and is gone": { breaks: (e) => void e.appointments.shift(), promise: /answered with 2xx is there/ },
  "a row older than its answer": {
    breaks: (e) => Object.assign(e.calls[0]?.answer?.body ?? {}, { version: 3 }),
    promise: /answered with 2xx is there/,
  },
  "a key that made two": { breaks: (e) => Object.assign(e.appointments[1] ?? {}, { reason: "book-1" }), promise: /a key, however often/ },
  "a payment that was paid twice": {
    breaks: (e) => void e.log.push(row(6, "payment:update", "payment:m", { ...e.log[2]?.data })),
    promise: /paid once/,
  },
  "a paidAt that moved": {
    breaks: (e) =>
      void e.calls.push({
        ...(e.calls[0] as Evidence["calls"][number]),
        key: undefined,
        answer: { status: 200, body: { id: "m", paidAt: at(5) } },
      }),
    promise: /paid once/,
  },
  "a patient who was called in twice": {
    breaks: (e) => {
      const call = { ...(e.calls[0] as Evidence["calls"][number]), path: "/receptionists/queue/next" }
      e.calls.push({ ...call, key: "next-1" }, { ...call, key: "next-2" })
    },
    promise: /never get the same patient/,
  },
  "an answer of 500": { breaks: (e) => void e.calls[0]?.attempts.unshift({ at: 0, ms: 1, outcome: 500 }), promise: /never a 5xx/ },
  "a rollup that is off": { breaks: (e) => Object.assign(e.figures[0] ?? {}, { kept: null }), promise: /rollups/ },
  "a process that ended by itself": {
    breaks: (e) => void e.crashes.push({ at: 1, process: "api-0", how: "code 1" }),
    promise: /no process ends/,
  },
  "a search that shows a doctor where they were two seconds ago": {
    breaks: (e) => void e.searches.push(search("api-0", 7_100, before())),
    promise: /as they were committed/,
  },
  "a search that finds somebody who was deactivated": {
    breaks: (e) => void e.doctorStates.push(state("d", 5_500, { active: false })),
    promise: /as they were committed/,
  },
  "a search that misses somebody who is there": {
    breaks: (e) => void e.searches.push(search("api-0", 4_100, answer([found("e", here, 0)]))),
    promise: /as they were committed/,
  },
  "a search that shows what was never committed, however much was going on": {
    breaks: (e) => {
      e.calm = []
      e.searches.push(search("api-0", 4_100, answer([found("d", { ...here, fee: 7 }, 0), found("e", here, 0)])))
    },
    promise: /as they were committed/,
  },
  "a search that shows what was committed only after it": {
    breaks: (e) => void e.searches.push(search("api-0", 4_100, after())),
    promise: /as they were committed/,
  },
  "a search with a distance that is not": {
    breaks: (e) => void e.searches.push(search("api-0", 8_000, answer([found("d", here, 0), found("e", there, NORTH_KM + 1)]))),
    promise: /as they were committed/,
  },
  "a search that begins with the farthest": {
    breaks: (e) => Object.assign(e.searches[2] ?? {}, { answer: answer(after().found.toReversed()) }),
    promise: /nearest first/,
  },
  "a search that was refused while Postgres was away": {
    breaks: (e) => void e.searches.push(search("api-0", 7_100, answer([], "nobody", 503))),
    promise: /goes on answering/,
  },
  "a search that went to the table once the index had served": {
    breaks: (e) => Object.assign(e.searches[2]?.answer ?? {}, { served: "sql-near" }),
    promise: /goes on answering/,
  },
  "a search that was not answered by a process that ran": {
    breaks: (e) => void e.searches.push(search("api-0", 7_100, undefined)),
    promise: /goes on answering/,
  },
  "a process that in the end finds somebody where they are not": {
    breaks: (e) => Object.assign(e.worlds[0] ?? {}, { answer: before() }),
    promise: /at the end every process/,
  },
  "a booking that is not in the audit": {
    breaks: (e) => void e.audit.entries.splice(2, 1),
    promise: /a change and its entry/,
  },
  "an entry in the audit of a change that was not": {
    breaks: (e) => void e.audit.entries.push(entry("doctor", "CHANGE", "payment", "m")),
    promise: /a change and its entry/,
  },
  "a refusal that is not in the audit": {
    breaks: (e) => void e.calls.push({ ...(e.calls[0] as Evidence["calls"][number]), attempts: [{ at: 5, ms: 1, outcome: 409 }] }),
    promise: /is written down/,
  },
  "a reading that is not in the audit": {
    breaks: (e) => {
      const attempts = [{ at: 5, ms: 1, outcome: 200 }]
      e.calls.push({
        who: "patient",
        method: "GET",
        path: "/notifications",
        attempts,
        answer: { status: 200, body: { data: [{ data: { appointmentId: "a" } }] } },
      })
    },
    promise: /is written down/,
  },
  "an audit log that was altered": {
    breaks: (e) => Object.assign(e.audit, { verified: "position 3: altered" }),
    promise: /as it was sealed/,
  },
  "an audit log that nobody seals": { breaks: (e) => Object.assign(e.audit, { unsealed: 2 }), promise: /is sealed/ },
  "work that was left": { breaks: (e) => Object.assign(e.work, { due: 1 }), promise: /every job is done/ },
}

for (const [what, { breaks, promise }] of Object.entries(BREACHES))
  test(`the checker sees ${what}`, () => {
    const evidence = sound()
    breaks(evidence)
    expect(
      check(evidence)
        .map((v) => v.promise)
        .join("\n"),
    ).toMatch(promise)
  })

test("a receptionist who was turned away may hear what came before, and nothing after", () => {
  const desk: Person = { uid: "x", role: "RECEPTIONIST", clinicId: "c" }
  const evidence = { ...sound(), dismissed: ["x"] }
  evidence.log.push(row(6, "queue:update", "queue:c", { clinicId: "c", waiting: 0, inProgress: 0 }))
  evidence.diaries = [diary(desk, evidence.log, [1, 4])]
  expect(check(evidence)).toEqual([])
  evidence.diaries = [diary(desk, evidence.log, [1, 4, 6])]
  expect(check(evidence).map((v) => v.promise)).toEqual(["nobody hears what is not theirs"])
})

test("a violation's history has what was asked, logged, heard and broken about it, in time, and nothing else", () => {
  const evidence = sound()
  heardBy(evidence, 1).pop()
  const [violation] = check(evidence)
  const history = historyOf(violation ?? { promise: "", what: "", about: [] }, evidence).map((line) => line.slice(13))
  expect(history).toEqual([
    "client patient: connection 0 by websocket, after 0",
    "fault  kill api-0",
    'log    2 appointment:update {"appointmentId":"a","status":"CONFIRMED","scheduledAt":"2030-01-07T10:00:00.000Z"} (e2)',
  ])
})

test("who is frozen, ended or has not loaded yet need not answer, and what a crash of Postgres may take from the audit may be missing", () => {
  const evidence = sound()
  evidence.faults = [
    { at: 7_000, endedAt: 12_000, what: "freeze api-0" },
    { at: 13_000, endedAt: 13_100, what: "restart Postgres" },
  ]
  evidence.calm = []
  evidence.lives = [
    { process: "api-0", from: 0, to: 14_000 },
    { process: "api-0", from: 15_000, to: Number.POSITIVE_INFINITY },
  ]
  evidence.searches.push(
    { ...search("api-0", 7_500, undefined), to: 11_500 },
    search("api-0", 13_995, undefined),
    search("api-0", 15_100, answer([], "nobody", 503)),
    search("api-0", 15_200, after()),
  )
  const attempts = [{ at: 12_500, ms: 10, outcome: 404 }]
  evidence.calls.push({ who: "patient", method: "PUT", path: "/appointments/00000000-0000-7000-8000-000000000000", attempts })
  expect(check(evidence)).toEqual([])
  evidence.searches.push(search("api-0", 15_300, answer([], "nobody", 503)))
  expect(check(evidence).map((v) => v.promise)).toHaveLength(1)
})
