/** What a process can sustain, and what becomes of calls at a rate that waits for nobody. */
import type { RawAnswer } from "./harness/raw-calls.ts"

const ROUND_MS = 3_000
/** Enough to keep whatever is slow busy, and no more than are served at once. */
const CALLERS = 40
const LOOK_MS = 2
/** Who waits longer has gone, and what is answered then was done for nobody. */
export const PATIENCE_MS = 1_000

export type Outcome = number | "late" | "refused without Retry-After"
type Call = () => Promise<Outcome>

/**
 * `outcomes`: of all calls. `inRound`: of those that ended before the last was sent: what is waiting then and is served afterwards is
 * nothing that a flood which goes on would have been given. `refusals`: how long they took, in ms.
 */
export type Flooded = {
  outcomes: Record<string, number>
  inRound: Record<string, number>
  refusals: { count: number; median: number; p99: number }
}

/** What is asked of a process: its best, and a flood. Both a second. */
export type Measures = { sustainable: (served: number) => Promise<number>; flood: (perSecond: number) => Promise<Flooded> }

export const isRefusal = (outcome: Outcome | undefined) => outcome === 503 || outcome === 429

export const perSecond = (count: number) => (count / ROUND_MS) * 1000
export const inOneRound = (rate: number) => (rate * ROUND_MS) / 1000

export function outcomeOf(answer: RawAnswer | undefined): Outcome {
  if (!answer) return "late"
  if (isRefusal(answer.status) && !/\r\nretry-after: [1-9]/i.test(answer.head)) return "refused without Retry-After"
  return answer.status
}

export const measuresOf = (call: Call): Measures => ({
  sustainable: (served) => sustainable(call, served),
  flood: (rate) => flood(call, rate),
})

/** Answers a second of this status when each caller asks as soon as it is answered. */
async function sustainable(call: Call, served: number): Promise<number> {
  const end = performance.now() + ROUND_MS
  let answered = 0
  const caller = async () => {
    while (performance.now() < end) if ((await call()) === served && performance.now() < end) answered++
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return perSecond(answered)
}

async function flood(call: Call, rate: number): Promise<Flooded> {
  const outcomes: Record<string, number> = {}
  const inRound: Record<string, number> = {}
  const refusalMs: number[] = []
  const asking: Promise<void>[] = []
  const ask = async () => {
    const at = performance.now()
    const outcome = await call()
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    if (performance.now() - started < ROUND_MS) inRound[outcome] = (inRound[outcome] ?? 0) + 1
    if (isRefusal(outcome)) refusalMs.push(performance.now() - at)
  }
  const started = performance.now()
  for (let sent = 0; performance.now() - started < ROUND_MS; await Bun.sleep(LOOK_MS))
    for (; sent < ((performance.now() - started) * rate) / 1000; sent++) asking.push(ask())
  await Promise.all(asking)
  const sorted = refusalMs.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0
  return { outcomes, inRound, refusals: { count: sorted.length, median: at(0.5), p99: at(0.99) } }
}
