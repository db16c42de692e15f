/** That the checker can fail, of what is refused and what is read: in a file of its own, since every run takes its time. */
import { expect, test } from "bun:test"
import { brokenPromises, TEST_MS } from "./broken-run.ts"

test(
  "a build that writes down nothing that it refuses is caught",
  async () => {
    const promises = await brokenPromises("refusals-unwritten", { seed: 1, max: 0 })
    expect(promises).toEqual(["whoever reads or changes a patient's data is written down, refused or not"])
  },
  TEST_MS,
)

test(
  "a build that refuses what it has booked is caught: a row is left behind",
  async () => {
    const promises = await brokenPromises("refuses-what-it-booked", { seed: 1, max: 0 })
    expect(promises).toContain("what was refused has left nothing behind, and under a key the first answer comes again")
  },
  TEST_MS,
)

test(
  "a build that leaves some out of its lists is caught, though every row is right",
  async () => {
    const promises = await brokenPromises("lists-leave-out", { seed: 1, max: 0 })
    expect(promises).toEqual(["what is read when all is quiet is what the rows hold, and all of it"])
  },
  TEST_MS,
)
