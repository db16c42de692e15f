/** A run of a build that is broken on purpose, as the real one is run. */
import { expect } from "bun:test"
import { type BrokenName, brokenCopy } from "./broken.ts"
import { report } from "./report.ts"
import { runChaos } from "./run.ts"

const RUN_MS = 10_000
const SETTLE_MS = 8_000
/** Seven processes and two servers start and end in it, on a machine that may be slow. */
export const TEST_MS = 120_000

/** Which promises were broken. */
export async function brokenPromises(name: BrokenName, faults: { seed: number; max: number }): Promise<string[]> {
  await using copy = await brokenCopy(name)
  const outcome = await runChaos({
    seed: faults.seed,
    durationMs: RUN_MS,
    maxFaults: faults.max,
    settleMs: SETTLE_MS,
    root: copy.root,
    say: () => {},
  })
  // What a person would read must come about as well.
  expect(report(outcome).length).toBeGreaterThan(outcome.violations.length > 0 ? 4 : 3)
  return [...new Set(outcome.violations.map((v) => v.promise))]
}
