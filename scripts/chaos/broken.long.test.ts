/** That the checker can fail: builds that are broken on purpose, run as the real one is. */
import { expect, test } from "bun:test"
import { type BrokenName, brokenCopy } from "./broken.ts"
import { chanceOf } from "./chance.ts"
import { drawn } from "./faults.ts"
import { report } from "./report.ts"
import { runChaos } from "./run.ts"

const RUN_MS = 10_000
const SETTLE_MS = 8_000
/** Seven processes and two servers start and end in it, on a machine that may be slow. */
const TEST_MS = 120_000

async function brokenPromises(name: BrokenName, faults: { seed: number; max: number }): Promise<string[]> {
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

/** The first seed of which the first fault is to cut every connection. */
function seedOfCut(): number {
  for (let seed = 1; ; seed++) {
    const { kind, every } = drawn(chanceOf(seed, "faults")).next().value
    if (kind === "cut connections" && every === 1) return seed
  }
}

test(
  "a build that publishes before it commits is caught: what was refused was announced",
  async () => {
    const promises = await brokenPromises("publish-before-commit", { seed: 1, max: 0 })
    expect(promises).toContain("a change of an appointment and its event are one: neither is there without the other")
  },
  TEST_MS,
)

test(
  "a build that replays nothing is caught: what happened while a client was away never reached it",
  async () => {
    const promises = await brokenPromises("no-replay", { seed: seedOfCut(), max: 1 })
    expect(promises).toEqual(["every committed change reaches everyone who may hear it"])
  },
  TEST_MS,
)

test(
  "a build that looks for a free time and then takes it is caught: two patients have one",
  async () => {
    const promises = await brokenPromises("check-then-insert", { seed: 1, max: 0 })
    expect(promises).toContain("no doctor has two patients at one time")
  },
  TEST_MS,
)

test(
  "a build whose index never lets go of anybody is caught: who has gone is found",
  async () => {
    const promises = await brokenPromises("index-keeps", { seed: 1, max: 0 })
    expect(promises).toContain("a search shows doctors as they were committed, a second ago at most while all is well")
  },
  TEST_MS,
)

test(
  "a build that writes down nothing that it refuses is caught",
  async () => {
    const promises = await brokenPromises("refusals-unwritten", { seed: 1, max: 0 })
    expect(promises).toEqual(["whoever reads or changes a patient's data is written down, refused or not"])
  },
  TEST_MS,
)
