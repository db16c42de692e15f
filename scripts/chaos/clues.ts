/** Evidence in pieces, each of which can be left out, and is told in a line. */
import type { Call, Diary, Evidence, Reading } from "./evidence.ts"

export type Clue = {
  /** When it was; undefined for what was found when all was over. */
  at?: number
  /** What it holds, for whoever looks for an id. */
  text: string
  /** Whose diary it is of. */
  client?: string
  /** That the client came, not what it heard. */
  isComing?: true
  line: () => string
  put: (evidence: Evidence) => void
}

const BODY_MAX = 160

/** Faults only ever excuse: they are not left out. */
export function evidenceOf(clues: Clue[], faults: Evidence["faults"]): Evidence {
  const evidence: Evidence = {
    dismissed: [],
    calls: [],
    diaries: [],
    faults,
    crashes: [],
    log: [],
    appointments: [],
    payments: [],
    figures: [],
    work: { head: 0, cursor: 0, unpublished: 0, due: 0, givenUp: 0, jobs: 0 },
    schedules: { seen: [], failed: [] },
    doctorStates: [],
    searches: [],
    worlds: [],
    readings: [],
    lives: [],
    calm: [],
    audit: { entries: [], unsealed: 0, verified: "" },
  }
  for (const clue of clues) clue.put(evidence)
  return evidence
}

export function cluesOf(evidence: Evidence): Clue[] {
  const { calls, log, appointments, payments, figures, doctorStates, searches, worlds, lives, calm, crashes, dismissed } = evidence
  return [
    ...calls.map((call) => clue(call, { at: call.attempts[0]?.at, line: () => lineOfCall(call), put: (e) => e.calls.push(call) })),
    ...log.map((row) =>
      clue(row, {
        at: row.at,
        line: () => `log    ${row.offset} ${row.name} ${JSON.stringify(row.data)} (${row.id})`,
        put: (e) => e.log.push(row),
      }),
    ),
    ...evidence.diaries.flatMap(cluesOfDiary),
    ...listed(
      searches,
      "search",
      (e) => e.searches,
      ({ from }) => from,
    ),
    ...listed(
      doctorStates,
      "state ",
      (e) => e.doctorStates,
      ({ at }) => at,
    ),
    ...listed(
      crashes,
      "crash ",
      (e) => e.crashes,
      ({ at }) => at,
    ),
    ...listed(
      lives,
      "life  ",
      (e) => e.lives,
      ({ from }) => from,
    ),
    ...listed(
      calm,
      "calm  ",
      (e) => e.calm,
      ({ from }) => from,
    ),
    ...listed(
      evidence.schedules.seen,
      "clock  seen",
      (e) => e.schedules.seen,
      ({ at }) => at,
    ),
    ...listed(
      evidence.schedules.failed,
      "clock  failed",
      (e) => e.schedules.failed,
      ({ at }) => at,
    ),
    ...listed(
      evidence.audit.entries,
      "audit ",
      (e) => e.audit.entries,
      ({ at }) => Date.parse(at),
    ),
    ...listed(appointments, "row    appointment", (e) => e.appointments),
    ...listed(payments, "row    payment", (e) => e.payments),
    ...listed(figures, "row    figures", (e) => e.figures),
    ...listed(worlds, "search all", (e) => e.worlds),
    ...listed(dismissed, "row    dismissed", (e) => e.dismissed),
    ...evidence.readings.map((reading) => clue(reading, { line: () => lineOfReading(reading), put: (e) => e.readings.push(reading) })),
    ...cluesOfWork(evidence),
    ...cluesOfSeals(evidence),
  ]
}

function clue(of: unknown, { at, line, put }: Pick<Clue, "at" | "line"> & { put: (evidence: Evidence) => unknown }): Clue {
  return { at, line, put: (evidence) => void put(evidence), text: JSON.stringify(of) }
}

function listed<T>(items: T[], kind: string, list: (evidence: Evidence) => T[], at?: (item: T) => number): Clue[] {
  return items.map((item) =>
    clue(item, { at: at?.(item), line: () => `${kind} ${JSON.stringify(item)}`, put: (evidence) => list(evidence).push(item) }),
  )
}

function lineOfCall({ who, method, path, key, body, attempts, answer }: Call): string {
  const tries = attempts.map(({ ms, outcome }) => `${outcome} in ${Math.round(ms)} ms`).join(", again → ")
  const said = answer ? ` ${JSON.stringify(answer.body).slice(0, BODY_MAX)}` : ""
  return `call   ${who} ${method} ${path} ${JSON.stringify(body ?? {})} ${key ?? ""} → ${tries}${said}`
}

function lineOfReading({ process, person, path, status, body }: Reading): string {
  const shown = Array.isArray(body.data) ? `${body.data.length} items` : JSON.stringify(body).slice(0, BODY_MAX)
  return `read   ${person.uid} ${path} of ${process} → ${status} ${shown}`
}

/** What it heard, and when it came. Whoever has neither is not there. */
function cluesOfDiary(diary: Diary): Clue[] {
  const { client, transport } = diary
  const own = (at: number, of: unknown, line: string, put: (own: Diary) => unknown): Clue => ({
    ...clue(of, { at, line: () => line, put: (evidence) => put(diaryIn(evidence, diary)) }),
    client,
  })
  return [
    ...diary.heard.map((h) =>
      own(h.at, h, `heard  ${client}, connection ${h.connection}: ${h.name} at ${h.offset} (${h.id})`, (d) => d.heard.push(h)),
    ),
    ...diary.gaps.map((gap) => own(gap.at, gap, `heard  ${client}: stream:gap ${gap.from}–${gap.to}`, (d) => d.gaps.push(gap))),
    ...diary.ready.map((r) => own(r.at, r, `heard  ${client}: stream:ready at ${r.offset}`, (d) => d.ready.push(r))),
    ...diary.connections.map((c, n) => {
      const line = `client ${client}: connection ${n} by ${transport}, after ${c.lastOffset}`
      return { ...own(c.at, c, line, (d) => d.connections.splice(n, 1, c)), isComing: true as const }
    }),
  ]
}

/** Clues of one diary follow each other. A connection that is left out may have asked for everything. */
function diaryIn({ diaries }: Evidence, { client, person, transport, connections }: Diary): Diary {
  const last = diaries.at(-1)
  if (last?.client === client) return last
  const all = connections.map(() => ({ at: 0, lastOffset: 0 }))
  const diary: Diary = { client, person, transport, connections: all, heard: [], gaps: [], ready: [] }
  diaries.push(diary)
  return diary
}

/** Whatever stands at none is as if it were left out. */
function cluesOfWork({ work: { head, cursor, ...counts } }: Evidence): Clue[] {
  const left = Object.entries(counts).filter(([, count]) => count !== 0)
  return [
    ...left.map(([what, count]) =>
      clue([], { line: () => `work   ${what}: ${count}`, put: ({ work }) => Object.assign(work, { [what]: count }) }),
    ),
    ...(head === cursor
      ? []
      : [clue([], { line: () => `work   read up to ${cursor} of ${head}`, put: ({ work }) => Object.assign(work, { head, cursor }) })]),
  ]
}

function cluesOfSeals({ audit: { unsealed, verified } }: Evidence): Clue[] {
  return [
    ...(unsealed === 0
      ? []
      : [clue([], { line: () => `audit  ${unsealed} unsealed`, put: ({ audit }) => Object.assign(audit, { unsealed }) })]),
    ...(verified === "" ? [] : [clue([], { line: () => `audit  ${verified}`, put: ({ audit }) => Object.assign(audit, { verified }) })]),
  ]
}
