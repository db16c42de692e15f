/** What a soak looks at. Reads /proc: Linux only. */
import { readdir, readFile } from "node:fs/promises"
import { percentile } from "./bench/environment.ts"
import { type Cluster, PROCESSES, type ProcessName } from "./chaos/cluster.ts"
import type { openReader } from "./chaos/collect.ts"
import type { Call } from "./chaos/evidence.ts"
import type { Listener } from "./chaos/listeners.ts"
import { isSuccess } from "./chaos/rules/answers.ts"

export const KINDS = ["api", "worker", "realtime"] as const
type Kind = (typeof KINDS)[number]
type Use = { memoryMb: number; files: number }

export type Sample = {
  minute: number
  uses: Record<Kind, Use>
  calls: number
  /** Of those, answered 2xx. */
  successes: number
  /** What became of each try that was answered with 5xx or not at all. */
  wrong: (number | string)[]
  /** Of each client, how much it has heard since the last look. */
  heard: Record<string, number>
  p50: number
  p99: number
  lagEvents: number
  behindEvents: number
  /** Of the realtime process that measures. */
  realtimeBehindEvents: number
}

type Look = {
  sql: ReturnType<typeof openReader>
  cluster: Cluster
  minute: number
  /** What has come to its end since the last look. */
  finished: Call[]
  listeners: Listener[]
  /** By how many events realtime is behind the log. */
  realtimeBehind: () => Promise<number>
}

export async function sampleOf({ sql, cluster, minute, finished, listeners, realtimeBehind }: Look): Promise<Sample> {
  const uses = await Promise.all(KINDS.map(async (kind) => [kind, await useOf(cluster, kind)] as const))
  const [lag] = await sql<{ unpublished: number; behind: number }[]>`
    select (select count(*) from events where "offset" is null) as unpublished,
      (select head from event_log) - (select "offset" from work_cursor) as behind`
  return {
    minute,
    uses: Object.fromEntries(uses) as Record<Kind, Use>,
    ...answersOf(finished),
    heard: Object.fromEntries(listeners.map(({ diary }) => [diary.client, diary.heard.length])),
    lagEvents: lag?.unpublished ?? 0,
    behindEvents: lag?.behind ?? 0,
    realtimeBehindEvents: await realtimeBehind(),
  }
}

/** Not a number is what nobody was answered within. */
export function answersOf(finished: Call[]): Pick<Sample, "calls" | "successes" | "wrong" | "p50" | "p99"> {
  const answered = finished.filter((call) => call.answer).map((call) => call.attempts.reduce((ms, attempt) => ms + attempt.ms, 0))
  const outcomes = finished.flatMap((call) => call.attempts.map(({ outcome }) => outcome))
  return {
    calls: finished.length,
    successes: finished.filter(isSuccess).length,
    wrong: outcomes.filter((outcome) => typeof outcome === "string" || outcome >= 500),
    p50: answered.length > 0 ? percentile(answered, 50) : Number.NaN,
    p99: answered.length > 0 ? percentile(answered, 99) : Number.NaN,
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
