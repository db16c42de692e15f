/** What a soak looks at, and what it says of it. Reads /proc: Linux only. */
import { readdir, readFile } from "node:fs/promises"
import { percentile } from "./bench/environment.ts"
import { type Cluster, PROCESSES, type ProcessName } from "./chaos/cluster.ts"
import type { openReader } from "./chaos/collect.ts"
import type { Call } from "./chaos/evidence.ts"

const KINDS = ["api", "worker", "realtime"] as const
type Kind = (typeof KINDS)[number]
type Use = { memoryMb: number; files: number }

export type Sample = {
  minute: number
  uses: Record<Kind, Use>
  calls: number
  p50: number
  p99: number
  lagEvents: number
  behindEvents: number
  /** Of the realtime process that measures. */
  realtimeBehindEvents: number
}

/** A process grows into its work first: what is compared is the second quarter of a run with the last. */
const GROWTH_MAX = 1.3
/** Below these, chance alone is a third. */
const MEMORY_SLACK_MB = 40
const FILES_SLACK = 20
const P99_SLACK_MS = 100
/** Some seconds of what a soak writes. */
const LAG_SLACK_EVENTS = 100

/** `realtimeBehind`: by how many events realtime is behind the log. */
type Look = { sql: ReturnType<typeof openReader>; cluster: Cluster; minute: number; made: Call[]; realtimeBehind: () => Promise<number> }

export async function sampleOf({ sql, cluster, minute, made, realtimeBehind }: Look): Promise<Sample> {
  const answered = made.filter((call) => call.answer).map((call) => call.attempts.reduce((ms, attempt) => ms + attempt.ms, 0))
  const uses = await Promise.all(KINDS.map(async (kind) => [kind, await useOf(cluster, kind)] as const))
  const [lag] = await sql<{ unpublished: number; behind: number }[]>`
    select (select count(*) from events where "offset" is null) as unpublished,
      (select head from event_log) - (select "offset" from work_cursor) as behind`
  return {
    minute,
    uses: Object.fromEntries(uses) as Record<Kind, Use>,
    calls: made.length,
    p50: answered.length ? percentile(answered, 50) : 0,
    p99: answered.length ? percentile(answered, 99) : 0,
    lagEvents: lag?.unpublished ?? 0,
    behindEvents: lag?.behind ?? 0,
    realtimeBehindEvents: await realtimeBehind(),
  }
}

/** The larger of the two processes of a kind. */
async function useOf({ processes }: Cluster, kind: Kind): Promise<Use> {
  const pids = PROCESSES.filter((name) => name.startsWith(kind)).map((name: ProcessName) => processes.pid(name))
  const uses = await Promise.all(pids.map((pid) => useOfPid(pid ?? 0)))
  return { memoryMb: Math.max(...uses.map((u) => u.memoryMb)), files: Math.max(...uses.map((u) => u.files)) }
}

async function useOfPid(pid: number): Promise<Use> {
  const status = await readFile(`/proc/${pid}/status`, "utf8")
  const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
  return { memoryMb: kilobytes / 1024, files: (await readdir(`/proc/${pid}/fd`)).length }
}

export function table(samples: Sample[]): string[] {
  const head = [
    "minute",
    ...KINDS.map((k) => `${k} MB`),
    ...KINDS.map((k) => `${k} files`),
    "calls",
    "p50 ms",
    "p99 ms",
    "unpublished",
    "worker behind",
    "realtime behind",
  ]
  const rows = samples.map((s) => [
    s.minute.toFixed(1),
    ...KINDS.map((k) => s.uses[k].memoryMb.toFixed(0)),
    ...KINDS.map((k) => String(s.uses[k].files)),
    String(s.calls),
    s.p50.toFixed(0),
    s.p99.toFixed(0),
    String(s.lagEvents),
    String(s.behindEvents),
    String(s.realtimeBehindEvents),
  ])
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`)
}

type Judged = { what: string; slack: number; read: (s: Sample) => number }

const JUDGED: Judged[] = [
  ...KINDS.flatMap((kind) => [
    { what: `${kind}, memory in MB`, slack: MEMORY_SLACK_MB, read: (s: Sample) => s.uses[kind].memoryMb },
    { what: `${kind}, open files`, slack: FILES_SLACK, read: (s: Sample) => s.uses[kind].files },
  ]),
  { what: "p99 of a call in ms", slack: P99_SLACK_MS, read: (s) => s.p99 },
  { what: "unpublished events", slack: LAG_SLACK_EVENTS, read: (s) => s.lagEvents },
  { what: "events that the worker is behind", slack: LAG_SLACK_EVENTS, read: (s) => s.behindEvents },
  { what: "events that realtime is behind", slack: LAG_SLACK_EVENTS, read: (s) => s.realtimeBehindEvents },
]

/** One line for each thing that keeps growing. */
export function growths(samples: Sample[]): string[] {
  const quarter = Math.max(1, Math.floor(samples.length / 4))
  const early = samples.slice(quarter, 2 * quarter)
  const late = samples.slice(-quarter)
  const mean = (of: Sample[], read: Judged["read"]) => of.reduce((sum, s) => sum + read(s), 0) / Math.max(1, of.length)
  return JUDGED.flatMap(({ what, slack, read }) => {
    const [before, after] = [mean(early, read), mean(late, read)]
    // Not a number is not within its bound either.
    const grows = !(after <= before * GROWTH_MAX || after <= before + slack)
    return grows ? [`GROWING: ${what}: ${before.toFixed(0)} → ${after.toFixed(0)}`] : []
  })
}
