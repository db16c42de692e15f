/** The smallest history that shows a violation: what was asked, logged, heard and broken around the things it is about. */
import type { Call, Diary, Evidence, Violation } from "./evidence.ts"

type Line = { at: number; text: string }

/** A fault shortly before may be why. */
const FAULT_BEFORE_MS = 3_000
/** What a person reads; the beginning and the end tell the most. */
const LINES_MAX = 40
const BODY_MAX = 160

export function historyOf(violation: Violation, evidence: Evidence): string[] {
  const { log, calls, diaries, faults } = evidence
  const events = log.filter((row) => mentions(violation, [row.id, row.subject, JSON.stringify(row.data)]))
  const about = { ...violation, about: [...violation.about, ...events.map((row) => row.id)] }
  const lines: Line[] = events.map((row) => ({
    at: row.at,
    text: `log    ${row.offset} ${row.name} ${JSON.stringify(row.data)} (${row.id})`,
  }))
  for (const call of calls)
    if (mentions(violation, [call.key ?? "", call.path, JSON.stringify(call.body), JSON.stringify(call.answer)]))
      lines.push(...linesOfCall(call))
  for (const diary of diaries)
    if (diary.client === violation.client) lines.push(...linesOfDiary(diary, about, Math.min(...lines.map((l) => l.at))))
  const times = lines.map((line) => line.at)
  const [from, to] = [Math.min(...times) - FAULT_BEFORE_MS, Math.max(...times)]
  for (const { at, endedAt, what } of faults) if (endedAt >= from && at <= to) lines.push({ at, text: `fault  ${what}` })
  return printed(lines.toSorted((a, b) => a.at - b.at))
}

function mentions({ about }: Violation, texts: string[]): boolean {
  return about.some((id) => texts.some((text) => text?.includes(id)))
}

function linesOfCall({ who, method, path, key, body, attempts, answer }: Call): Line[] {
  return attempts.map(({ at, ms, outcome }, n) => {
    const last = n === attempts.length - 1
    const said = last && answer ? ` ${JSON.stringify(answer.body).slice(0, BODY_MAX)}` : ""
    return {
      at,
      text: `call   ${who} ${method} ${path} ${n === 0 ? JSON.stringify(body ?? {}) : `again (${n + 1})`} ${key ?? ""} → ${outcome} in ${Math.round(ms)} ms${said}`,
    }
  })
}

/** What it heard of these, its connection when the first of it happened, and the next one. */
function linesOfDiary({ client, connections, heard, transport }: Diary, { about }: Violation, first: number): Line[] {
  const then = connections.findLastIndex((c) => c.at <= first)
  return [
    ...heard
      .filter((h) => about.includes(h.id))
      .map((h) => ({ at: h.at, text: `heard  ${client}, connection ${h.connection}: ${h.name} at ${h.offset} (${h.id})` })),
    ...connections
      .map(({ at, lastOffset }, n) => ({ at, text: `client ${client}: connection ${n} by ${transport}, after ${lastOffset}` }))
      .filter((_, n) => n === then || n === then + 1),
  ]
}

function printed(lines: Line[]): string[] {
  const shown =
    lines.length <= LINES_MAX
      ? lines.map(line)
      : [...lines.slice(0, LINES_MAX / 2).map(line), `… ${lines.length - LINES_MAX} more …`, ...lines.slice(-LINES_MAX / 2).map(line)]
  return shown
}

const line = ({ at, text }: Line) => `${new Date(at).toISOString().slice(11, 23)} ${text}`
