export type Tally = { passed: number; failed: number; failures: string[] }

export const NOTHING: Tally = { passed: 0, failed: 0, failures: [] }

/**
 * Counts what Bun's junit report says. A file that throws at import is absent from it, and a run that was killed may
 * leave none at all: each file of which nothing is told counts as one failure, and so does a bad exit code nobody explains.
 */
export function tally(report: string, files: string[], exitCode: number | null): Tally {
  const suites = [...report.matchAll(/<testsuite [^>]*\bfile="([^"]+)"/g)].map((m) => m[1])
  const total = /<testsuites [^>]*\btests="(\d+)"[^>]*\bfailures="(\d+)"[^>]*\bskipped="(\d+)"/.exec(report)
  const [tests = 0, broken = 0, skipped = 0] = total ? total.slice(1).map(Number) : []
  const failures = [...report.matchAll(/<testcase name="([^"]*)"[^>]*\bfile="([^"]*)"[^>]*>\s*<(?:failure|skipped)/g)].map(
    ([, name, file]) => `${file}: ${plainText(name ?? "")}`,
  )
  for (const file of files) if (!suites.includes(file)) failures.push(`${file}: did not run to its end`)
  const silent = files.filter((file) => !suites.includes(file)).length
  // A skipped test has shown nothing: it does not count as passed.
  const failed = broken + skipped + silent
  if (failed > 0 || exitCode === 0) return { passed: tests - broken - skipped, failed, failures }
  return { passed: tests, failed: 1, failures: [`${files.join(", ")}: ended with code ${exitCode}`] }
}

export const add = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  failures: [...a.failures, ...b.failures],
})

const plainText = (text: string) =>
  text.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&apos;", "'").replaceAll("&amp;", "&")
