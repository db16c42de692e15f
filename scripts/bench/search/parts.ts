/** Pieces of work in one process, in turns: what of the processor each takes. */
import { spread } from "../environment.ts"

/** Does the nth of its pieces; they come round. */
export type Part = { what: string; work: (nth: number) => unknown }

const ROUNDS = 7
const TURNS = 8
/** Of one piece in a row, when pieces are compared: the processor's time is told in whole microseconds. */
const REPEATS = 100

/**
 * Microseconds of the processor a piece, by part, one figure a round. A round before the first warms up and does not count. In turns of
 * few pieces whatever else the machine does hits all parts alike.
 */
export async function measureParts(parts: readonly Part[], turnPieces: number): Promise<number[][]> {
  const rounds = parts.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    const sums = parts.map(() => 0)
    for (let turn = 0; turn < TURNS; turn++)
      for (const [i, { work }] of parts.entries()) {
        const from = turn * turnPieces
        sums[i] = (sums[i] as number) + (await processorUs(turnPieces, (nth) => work(from + nth)))
      }
    if (round > 0) for (const [i, sum] of sums.entries()) rounds[i]?.push(sum / (TURNS * turnPieces))
  }
  return rounds
}

/**
 * Of the first so many pieces the one that takes longest, and the mean of all, each piece by the least of some rounds: a noisy machine makes
 * nobody the slowest.
 */
export async function slowestPiece(work: Part["work"], pieces: number): Promise<{ nth: number; us: number; meanUs: number }> {
  const least = new Array<number>(pieces).fill(Number.POSITIVE_INFINITY)
  for (let round = 0; round <= ROUNDS; round++)
    for (let nth = 0; nth < pieces; nth++) {
      const us = (await processorUs(REPEATS, () => work(nth))) / REPEATS
      least[nth] = Math.min(least[nth] as number, us)
    }
  const us = Math.max(...least)
  return { nth: least.indexOf(us), us, meanUs: least.reduce((sum, one) => sum + one, 0) / pieces }
}

async function processorUs(pieces: number, work: Part["work"]): Promise<number> {
  const before = process.cpuUsage()
  for (let nth = 0; nth < pieces; nth++) {
    const done = work(nth)
    if (done instanceof Promise) await done
  }
  const { user, system } = process.cpuUsage(before)
  return user + system
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
