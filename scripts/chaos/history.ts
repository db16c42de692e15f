/** The smallest history that shows a violation: no line of it can be left out. What was broken meanwhile, and by whom it was missed, is told beside. */
import { type Broken, isStillBroken } from "./check.ts"
import { type Clue, cluesOf, evidenceOf } from "./clues.ts"
import type { Diary, Evidence } from "./evidence.ts"
import { smallest } from "./smallest.ts"

/** A fault shortly before may be why. */
const FAULT_BEFORE_MS = 3_000
/** Of a history that there was no time to make small; the beginning and the end tell the most. */
const LINES_MAX = 40
const TIME_MAX_MS = 1_000

type Line = { at?: number; text: string }
export type Story = { clues: Clue[]; isSmallest: boolean }

/** In time; `all`: the clues of this evidence, which take a while to gather. */
export function historyOf(violation: Broken, evidence: Evidence, all = cluesOf(evidence), timeMs = TIME_MAX_MS): string[] {
  const { clues, isSmallest } = storyOf(violation, evidence, all, timeMs)
  const lines: Line[] = clues.map(({ at, line }) => ({ at, text: line() }))
  const told = [...lines, ...context(violation, evidence, lines)].toSorted(
    (a, b) => (a.at ?? Number.POSITIVE_INFINITY) - (b.at ?? Number.POSITIVE_INFINITY),
  )
  if (isSmallest || told.length <= LINES_MAX) return told.map(printed)
  const cut = `… ${told.length - LINES_MAX} more: there was no time to find which are needed …`
  return [...told.slice(0, LINES_MAX / 2).map(printed), cut, ...told.slice(-LINES_MAX / 2).map(printed)]
}

/** First what names the same things, if that shows it: most of a run has nothing to do with it. */
export function storyOf(violation: Broken, { faults }: Evidence, all: Clue[], timeMs = TIME_MAX_MS): Story {
  const shows = (clues: Clue[]) => isStillBroken(violation, evidenceOf(clues, faults))
  const named = all.filter(({ text }) => violation.about.some((id) => text.includes(id)))
  const own = all.filter(({ client }) => client !== undefined && client === violation.client)
  const came = own.filter(({ isComing }) => isComing)
  // That a client was there is better told by its coming than by something else that it heard.
  const near = [named.filter(({ client }) => client === undefined).concat(came), named.concat(came), named.concat(own)]
  const ordered = near.map((clues) => new Set(clues)).map((clues) => all.filter((clue) => clues.has(clue)))
  const { items, isSmallest } = smallest(ordered.find(shows) ?? all, shows, Date.now() + timeMs)
  return { clues: items, isSmallest }
}

/** None of it shows the violation; it may be why. */
function context({ client }: Broken, { faults, diaries }: Evidence, lines: Line[]): Line[] {
  const times = lines.flatMap(({ at }) => at ?? [])
  const [from, to] = [Math.min(...times) - FAULT_BEFORE_MS, Math.max(...times)]
  const meanwhile = faults.filter(({ at, endedAt }) => endedAt >= from && at <= to)
  const diary = diaries.find((d) => d.client === client)
  return [
    ...meanwhile.map(({ at, what }) => ({ at, text: `fault  ${what}` })),
    ...(diary ? comings(diary, from + FAULT_BEFORE_MS) : []).filter(({ text }) => !lines.some((line) => line.text === text)),
  ]
}

/** The connection that a client had then, and the next. */
function comings({ client, connections, transport }: Diary, first: number): Line[] {
  const then = connections.findLastIndex((c) => c.at <= first)
  return connections
    .map(({ at, lastOffset }, n) => ({ at, text: `client ${client}: connection ${n} by ${transport}, after ${lastOffset}` }))
    .filter((_, n) => n === then || n === then + 1)
}

function printed({ at, text }: Line): string {
  return `${at === undefined ? "in the end  " : new Date(at).toISOString().slice(11, 23)} ${text}`
}
