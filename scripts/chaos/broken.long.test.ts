/** That the checker can fail: builds that are broken on purpose, run as the real one is. */
import { expect, test } from "bun:test"
import { brokenPromises, TEST_MS } from "./broken-run.ts"
import { chanceOf } from "./chance.ts"
import { drawn } from "./faults.ts"

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
