import { Glob } from "bun"

const TESTS = new Glob("{core,api,worker,realtime,scripts,tests}/**/*.test.ts")
/** Tests that need more than `bun install` brings; they run only when asked for by name. */
const OUTSIDE = "tests/outside/"
/** Tests with many processes or a clock: they run after the others, one file at a time. */
const ALONE = ".alone.test.ts"

export type TestFiles = { together: string[]; alone: string[] }

/** The test files that match any of the filters (all, but for tests/outside, without one), by path from the root. */
export async function findTestFiles(root: string, filters: string[]): Promise<TestFiles> {
  const found = await Array.fromAsync(TESTS.scan({ cwd: root }))
  const wanted = (path: string) => {
    if (path.startsWith(OUTSIDE) && !filters.some((f) => f.startsWith(OUTSIDE.slice(0, -1)))) return false
    return filters.length === 0 || filters.some((filter) => path.includes(filter))
  }
  const files = found.filter(wanted).sort()
  return { together: files.filter((f) => !f.endsWith(ALONE)), alone: files.filter((f) => f.endsWith(ALONE)) }
}
