import { expect, test } from "bun:test"
import { BREACHES } from "./breaches.ts"
import { check } from "./check.ts"
import { exitCode, report } from "./report.ts"
import { sound } from "./sound.ts"
import { full } from "./sound-full.ts"

const verdicts = (lines: string[]) => lines.filter((line) => /^NOT TRIED|^violations/.test(line))

test("a run in which all was tried and nothing broke ends with 0", () => {
  const outcome = { evidence: full(), violations: [] }
  expect(exitCode(outcome)).toBe(0)
  expect(verdicts(report(outcome))).toEqual(["violations: 0"])
})

test("a run in which nothing broke, but not all was tried, ends with 2 and says so", () => {
  const outcome = { evidence: { ...full(), searches: [] }, violations: [] }
  expect(exitCode(outcome)).toBe(2)
  expect(verdicts(report(outcome))).toEqual([
    "NOT TRIED, and so not shown: to search",
    "violations: 0, but not everything was tried: exit code 2",
  ])
})

test("a run in which a promise broke ends with 1, whatever was not tried", () => {
  const evidence = sound()
  BREACHES["a booking refused at once that is there all the same"]?.breaks(evidence)
  const violations = check(evidence)
  expect(exitCode({ evidence, violations })).toBe(1)
  expect(verdicts(report({ evidence, violations })).at(-1)).toBe(`violations: ${violations.length}`)
})
