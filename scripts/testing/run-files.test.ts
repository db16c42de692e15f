import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findTestFiles } from "./files.ts"
import { runFiles } from "./run-files.ts"

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pulsecal-runner-"))
  const passing = `import { test } from "bun:test"; for (let i = 0; i < 5; i++) test("t" + i, () => Bun.sleep(5))`
  const files: Record<string, string> = {
    "core/a.test.ts": passing,
    "core/b.test.ts": passing,
    "api/c.test.ts": passing,
    "api/failing.test.ts": `import { expect, test } from "bun:test"; test("good", () => console.log("chatter")); test("bad", () => { expect(1).toBe(2) })`,
    "api/broken.test.ts": `import "./nowhere.ts"; import { test } from "bun:test"; test("never", () => {})`,
    "api/killed.test.ts": `import { test } from "bun:test"; test("last", () => process.kill(process.pid, "SIGKILL"))`,
    "api/ended.test.ts": `import { test } from "bun:test"; test("last", () => process.exit(0))`,
    "core/told.test.ts": `import { test } from "bun:test"; test("t", () => { console.log("chatter"); console.log("figure: 7 ms") })`,
    "tests/x.alone.test.ts": passing,
    "tests/w.heavy.test.ts": passing,
    "tests/z.long.test.ts": passing,
    "tests/outside/y.test.ts": passing,
  }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, ".."), { recursive: true })
    await writeFile(join(root, path), text)
  }
})
afterAll(() => rm(root, { recursive: true }))

const run = (files: string[], say = (_: string) => {}, sayFailed = (_: string) => {}) =>
  runFiles({ root, files, options: [], environment: {}, atOnce: 3, say, sayFailed })

test("files run at once are all counted", async () => {
  expect(await run(["core/a.test.ts", "core/b.test.ts", "api/c.test.ts", "tests/x.alone.test.ts"])).toEqual({
    passed: 20,
    failed: 0,
    failures: [],
  })
})

test("a failing test, a file broken at import, and a process that ends in the middle are failures, each named", async () => {
  const { passed, failed, failures } = await run([
    "api/failing.test.ts",
    "api/broken.test.ts",
    "api/killed.test.ts",
    "api/ended.test.ts",
    "core/a.test.ts",
  ])
  expect({ passed, failed }).toEqual({ passed: 6, failed: 4 })
  expect(failures.sort()).toEqual([
    "api/broken.test.ts: did not run to its end",
    "api/ended.test.ts: did not run to its end",
    "api/failing.test.ts: bad",
    "api/killed.test.ts: did not run to its end",
  ])
})

test("of a file that passes are told its tests and what they measured, and nothing else", async () => {
  const told: string[] = []
  await run(["core/told.test.ts"], (text) => told.push(text.replace(/ \[.*\]/, "")))
  expect(told).toEqual(["core/told.test.ts:\n(pass) t\nfigure: 7 ms"])
})

test("of a file that fails are told its tests, and for the end of the run all that it printed, with what was expected", async () => {
  const [told, stories]: string[][] = [[], []]
  await run(
    ["api/failing.test.ts"],
    (text) => told?.push(text.replaceAll(/ \[.*\]/g, "")),
    (story) => stories?.push(story),
  )
  expect(told).toEqual(["api/failing.test.ts:\n(pass) good\n(fail) bad"])
  expect(stories).toEqual([expect.stringMatching(/chatter.*Expected: 2.*Received: 1/s)])
})

test("every test file is found but those outside, which are found when asked for; the last of the alphabet first; those with a clock run alone, heavy ones and those that wait each in their turn", async () => {
  const all = await findTestFiles(root, [])
  expect(all.alone).toEqual(["tests/x.alone.test.ts"])
  expect(all.heavy).toEqual(["tests/w.heavy.test.ts"])
  expect(all.long).toEqual(["tests/z.long.test.ts"])
  expect(all.together).toHaveLength(8)
  expect(await findTestFiles(root, ["tests/outside"])).toEqual({
    together: ["tests/outside/y.test.ts"],
    long: [],
    heavy: [],
    alone: [],
  })
  expect((await findTestFiles(root, ["core/", "x.alone"])).together).toEqual(["core/told.test.ts", "core/b.test.ts", "core/a.test.ts"])
})
