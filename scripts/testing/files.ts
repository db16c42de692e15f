import { Glob } from "bun"

const TESTS = new Glob("{core,api,worker,realtime,scripts,tests}/**/*.test.ts")
/** Tests that need more than `bun install` brings; they run only when asked for by name. */
const OUTSIDE = "tests/outside/"
/** Tests that wait for minutes more than they work: they run with each other, after the others. */
const LONG = ".long.test.ts"
/** Tests with many processes, or that keep a processor busy for a minute: they run two at a time. */
const HEAVY = ".heavy.test.ts"
/** Tests with a clock: they run last, one file at a time. */
const ALONE = ".alone.test.ts"

export type TestFiles = { together: string[]; long: string[]; heavy: string[]; alone: string[] }

/** The test files that match any of the filters (all, but for tests/outside, without one), by path from the root. */
export async function findTestFiles(root: string, filters: string[]): Promise<TestFiles> {
  const found = await Array.fromAsync(TESTS.scan({ cwd: root }))
  const wanted = (path: string) => {
    if (path.startsWith(OUTSIDE) && !filters.some((f) => f.startsWith(OUTSIDE.slice(0, -1)))) return false
    return filters.length === 0 || filters.some((filter) => path.includes(filter))
  }
  // From the end: whole systems take longest, and are in tests/. What begins last should be short.
  const files = found.filter(wanted).sort().reverse()
  return { together: [], long: [], heavy: [], alone: [], ...Object.groupBy(files, kindOf) }
}

function kindOf(path: string): keyof TestFiles {
  if (path.endsWith(ALONE)) return "alone"
  if (path.endsWith(HEAVY)) return "heavy"
  return path.endsWith(LONG) ? "long" : "together"
}
