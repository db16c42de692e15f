/** What a soak says of its samples: whether all of it worked to the end, and whether anything keeps growing. */
import { KINDS, type Sample } from "./soak-samples.ts"

/** A process grows into its work first: what is compared is the second quarter of a run with the last. */
const GROWTH_MAX = 1.3
/** Memory is a quarter's mean, which between two quarters of ten minutes has differed by 10 MB. */
const MEMORY_GROWTH_MAX = 1.15
/** Below these, chance alone is as much. */
const MEMORY_SLACK_MB = 20
const FILES_SLACK = 10
const P99_SLACK_MS = 100
/** Some seconds of what a soak writes. */
const LAG_SLACK_EVENTS = 100
/** Of the calls of the second quarter, in the last. */
const CALLS_MIN = 0.7

type Judged = { what: string; factor: number; slack: number; read: (s: Sample) => number }

const JUDGED: Judged[] = [
  ...KINDS.flatMap((kind) => [
    { what: `${kind}, memory in MB`, factor: MEMORY_GROWTH_MAX, slack: MEMORY_SLACK_MB, read: (s: Sample) => s.uses[kind].memoryMb },
    { what: `${kind}, open files`, factor: GROWTH_MAX, slack: FILES_SLACK, read: (s: Sample) => s.uses[kind].files },
  ]),
  { what: "p99 of a call in ms", factor: GROWTH_MAX, slack: P99_SLACK_MS, read: (s) => s.p99 },
  ...[
    { what: "unpublished events", read: (s: Sample) => s.lagEvents },
    { what: "events that the worker is behind", read: (s: Sample) => s.behindEvents },
    { what: "events that realtime is behind", read: (s: Sample) => s.realtimeBehindEvents },
  ].map((lag) => ({ ...lag, factor: GROWTH_MAX, slack: LAG_SLACK_EVENTS })),
]

const COUNTED = [
  { what: "calls", read: (s: Sample) => s.calls },
  { what: "calls answered 2xx", read: (s: Sample) => s.successes },
]

export type Verdict = {
  /** One line for each thing that fails or grows. */
  failures: string[]
  /** What is no failure, with the bound that it keeps. */
  kept: string[]
}

export function verdictOf(samples: Sample[]): Verdict {
  const quarters = quartersOf(samples)
  const lines = [...wrongAnswers(samples), ...calls(quarters), ...silences(quarters), ...growths(quarters)]
  const { failures = [], kept = [] } = Object.groupBy(lines, ({ isKept }) => (isKept ? "kept" : "failures"))
  return { failures: failures.map(({ line }) => line), kept: kept.map(({ line }) => line) }
}

type Line = { isKept: boolean; line: string }
type Quarters = [Sample[], Sample[], Sample[], Sample[]]

function quartersOf(samples: Sample[]): Quarters {
  const size = Math.max(1, Math.floor(samples.length / 4))
  const from = (n: number) => samples.slice(n * size, (n + 1) * size)
  return [from(0), from(1), from(2), samples.slice(-size)]
}

const sum = (of: Sample[], read: Judged["read"]) => of.reduce((total, s) => total + read(s), 0)

/** Nothing is broken on purpose: so every try is answered, and none by an error of ours. */
function wrongAnswers(samples: Sample[]): Line[] {
  const wrong = [
    ...Map.groupBy(
      samples.flatMap((s) => s.wrong),
      String,
    ),
  ].map(([outcome, all]) => `${all.length} × ${outcome}`)
  if (wrong.length === 0) return [{ isKept: true, line: "every try was answered, none with 5xx" }]
  return [{ isKept: false, line: `FAILING: tries that were answered with 5xx or not at all: ${wrong.join(", ")}` }]
}

function calls([, early, , late]: Quarters): Line[] {
  return COUNTED.map(({ what, read }) => {
    const [before, after] = [sum(early, read), sum(late, read)]
    const [isKept, min] = [after > 0 && after >= before * CALLS_MIN, (before * CALLS_MIN).toFixed(0)]
    return { isKept, line: `${isKept ? "" : "FAILING: "}${what}: ${before} → ${after} (at least ${min})` }
  })
}

/** Each client has something to hear in a quarter of any run. */
function silences(quarters: Quarters): Line[] {
  const clients = [...new Set(quarters.flat().flatMap((s) => Object.keys(s.heard)))]
  if (clients.length === 0) return [{ isKept: false, line: "FAILING: nobody listened" }]
  const silent = quarters.flatMap((quarter, n) =>
    clients
      .filter((client) => sum(quarter, (s) => s.heard[client] ?? 0) === 0)
      .map((client) => ({ isKept: false, line: `FAILING: ${client} heard nothing in quarter ${n + 1}` })),
  )
  return silent.length > 0 ? silent : [{ isKept: true, line: `each of ${clients.length} clients heard something in each quarter` }]
}

function growths([, early, , late]: Quarters): Line[] {
  const mean = (of: Sample[], read: Judged["read"]) => sum(of, read) / Math.max(1, of.length)
  return JUDGED.map(({ what, factor, slack, read }) => {
    const [before, after] = [mean(early, read), mean(late, read)]
    const max = Math.max(before * factor, before + slack)
    // Not a number is not within its bound either.
    const isKept = after <= max
    return { isKept, line: `${isKept ? "" : "GROWING: "}${what}: ${before.toFixed(0)} → ${after.toFixed(0)} (at most ${max.toFixed(0)})` }
  })
}
