/** Pieces of work in one process, in turns: what of the processor each takes. */
import { spread } from "../environment.ts"

/** Does the nth of its pieces; they come round. */
export type Part = { what: string; work: (nth: number) => unknown }

const ROUNDS = 7
const TURNS = 8
/** In turns this short whatever else the machine does hits all alike; a whole number of rounds of the bad queries. */
const TURN_PIECES = 252

/** Microseconds of the processor a piece, by part, one figure a round. A round before the first warms up and does not count. */
export async function measureParts(parts: readonly Part[]): Promise<number[][]> {
  const rounds = parts.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    const sums = parts.map(() => 0)
    for (let turn = 0; turn < TURNS; turn++)
      for (const [i, { work }] of parts.entries()) {
        const before = process.cpuUsage()
        for (let nth = turn * TURN_PIECES; nth < (turn + 1) * TURN_PIECES; nth++) {
          const done = work(nth)
          if (done instanceof Promise) await done
        }
        const { user, system } = process.cpuUsage(before)
        sums[i] = (sums[i] as number) + user + system
      }
    if (round > 0) for (const [i, sum] of sums.entries()) rounds[i]?.push(sum / (TURNS * TURN_PIECES))
  }
  return rounds
}

/** The first row is what the others are compared with, round by round. */
export function describeParts(heading: string, parts: readonly Part[], rounds: readonly number[][]): string {
  const first = rounds[0] as number[]
  const rows = parts.map(({ what }, i) => {
    const us = rounds[i] as number[]
    const against = us.map((own, round) => own / (first[round] as number))
    return `| ${what} | ${spread(us, (n) => n.toFixed(2))} | ${spread(against, (n) => n.toFixed(2))} |`
  })
  return [`| ${heading} | µs of the processor | ÷ the first |\n|---|---|---|`, ...rows].join("\n")
}
