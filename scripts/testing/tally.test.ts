import { expect, test } from "bun:test"
import { tally } from "./tally.ts"

const REPORT = `<testsuites name="bun test" tests="7" assertions="1" failures="1" skipped="1" time="0.02">
  <testsuite name="core/a.test.ts" file="core/a.test.ts" tests="5" failures="1" skipped="1">
    <testcase name="a &quot;b&quot; &amp; c" classname="" time="0" file="core/a.test.ts" line="1" assertions="1">
      <failure type="AssertionError" message="x">x</failure></testcase>
    <testcase name="good" classname="" time="0" file="core/a.test.ts" line="1" assertions="1" />
    <testcase name="left out" classname="" time="0" file="core/a.test.ts" line="1" assertions="0"><skipped /></testcase></testsuite>
  <testsuite name="core/b.test.ts" file="core/b.test.ts" tests="2" failures="0" skipped="0"></testsuite></testsuites>`
const CLEAN = `<testsuites name="bun test" tests="7" assertions="1" failures="0" skipped="0" time="0.02">
  <testsuite name="core/a.test.ts" file="core/a.test.ts" tests="7" failures="0" skipped="0"></testsuite></testsuites>`

test("passes and failures are those of the report, and a skipped test has not passed", () => {
  const failures = ['core/a.test.ts: a "b" & c', "core/a.test.ts: left out"]
  expect(tally(REPORT, ["core/a.test.ts", "core/b.test.ts"], 1)).toEqual({ passed: 5, failed: 2, failures })
  expect(tally(CLEAN, ["core/a.test.ts"], 0)).toEqual({ passed: 7, failed: 0, failures: [] })
})

test("a file that is absent from the report, as one that throws at import, is a failure", () => {
  const failures = ["core/broken.test.ts: did not run to its end"]
  expect(tally(CLEAN, ["core/a.test.ts", "core/broken.test.ts"], 1)).toEqual({ passed: 7, failed: 1, failures })
})

test("a run without a report, and a bad exit code that nothing explains, are failures", () => {
  expect(tally("", ["core/a.test.ts"], null)).toMatchObject({ passed: 0, failed: 1 })
  expect(tally(CLEAN, ["core/a.test.ts"], 1)).toMatchObject({ passed: 7, failed: 1 })
})
