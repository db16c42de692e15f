import { mkdtemp, readFile, rm } from "node:fs/promises"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { isFigure } from "./figures.ts"
import { add, NOTHING, type Tally, tally } from "./tally.ts"

/** A bound on a hang, not an expectation: tests that promise a time measure it themselves. */
const TEST_TIMEOUT_MS = 30_000
/** One file takes seconds, the longest about a minute; beyond this something hangs. */
const FILE_TIMEOUT_MS = 5 * 60_000

export type RunFiles = {
  root: string
  files: string[]
  options: string[]
  environment: Record<string, string>
  atOnce: number
  /** The tests of a file and what they measured, once it has run. */
  say: (text: string) => void
  /** All that a file printed in which something failed: for the end of the run, where it is looked for. */
  sayFailed: (story: string) => void
}

/** Files that run together. More than there are cores, for a third of every test is waiting; no more than that, for the clocks in them are real. */
export const LANES = availableParallelism() + 1
/** Of those that have many processes of their own. */
export const HEAVY_LANES = 2

const running = new Set<Bun.Subprocess>()
let stopped = false

/**
 * Runs each file in a process of its own, some at once, and counts. (Bun's `--parallel` would do, but a worker that has
 * isolated one file fails to load firebase-admin in the next: "require() async module jose is unsupported", Bun 1.4.5.)
 */
export async function runFiles(run: RunFiles): Promise<Tally> {
  const waiting = [...run.files]
  const counted: Tally[] = []
  const lane = async () => {
    for (let file = waiting.shift(); file && !stopped; file = waiting.shift()) counted.push(await runFile(run, file))
  }
  await Promise.all(Array.from({ length: run.atOnce }, lane))
  return counted.reduce(add, NOTHING)
}

async function runFile({ root, options, environment, say, sayFailed }: RunFiles, file: string): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), "pulsecal-report-"))
  const reportFile = join(folder, "junit.xml")
  const report = ["--reporter=junit", `--reporter-outfile=${reportFile}`, `--timeout=${TEST_TIMEOUT_MS}`]
  const child = Bun.spawn([process.execPath, "test", ...report, ...options, `./${file}`], {
    cwd: root,
    env: { ...process.env, ...environment },
    // Files, not pipes: a process that a failed test left behind would hold a pipe open, and us with it.
    stdio: ["ignore", Bun.file(join(folder, "out")), Bun.file(join(folder, "err"))],
    timeout: FILE_TIMEOUT_MS,
  })
  running.add(child)
  const exitCode = await child.exited
  running.delete(child)
  const [out, err] = await Promise.all(["out", "err"].map((name) => readFile(join(folder, name), "utf8").catch(() => "")))
  const text = await readFile(reportFile, "utf8").catch(() => "")
  await rm(folder, { recursive: true, force: true })
  const counted = tally(text, [file], exitCode)
  // Bun tells the story on stderr; stdout is what the tests themselves print.
  say([outcomes(err ?? ""), ...figures(out ?? "")].join("\n"))
  if (counted.failed > 0) sayFailed(`${out}${err}`.trimEnd())
  return counted
}

/** The file and its tests, without the version above and the counts below. */
function outcomes(story: string): string {
  return story
    .split("\n")
    .filter((line) => /^\((pass|fail)\)/.test(line) || line.endsWith(".test.ts:"))
    .join("\n")
}

/** Of all that its tests print, what they measured. */
const figures = (printed: string) => printed.split("\n").filter(isFigure)

/** Ends the run in progress, and waits for it. */
export async function stopRun(): Promise<void> {
  stopped = true
  await Promise.all([...running].map((child) => [child.kill("SIGTERM"), child.exited][1]))
}
