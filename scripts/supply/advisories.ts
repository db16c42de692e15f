/** Whether what bun.lock pins has known vulnerabilities: `bun audit`, which asks the registry. */
import { join } from "node:path"
import type { Check } from "../checks/checks.ts"

const ROOT = join(import.meta.dir, "..", "..")
/** A registry that answers does so at once; one that does not must not hold a test run up. */
const TIMEOUT_MS = 30_000
/** What is worse fails; the rest is told. */
const LEVEL = "high"

export const ADVISORIES = "no known vulnerability of a package (bun audit)"

/** Fails for a vulnerability that is high or critical. A registry that cannot be asked is told in the name of the check. */
export async function checkAdvisories(): Promise<Check> {
  return await ask([process.execPath, "audit", `--audit-level=${LEVEL}`])
}

export async function ask(command: string[]): Promise<Check> {
  const child = Bun.spawn(command, { cwd: ROOT, stdout: "pipe", stderr: "pipe", timeout: TIMEOUT_MS })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return judge(`${out}${err}`.trim(), code)
}

/** bun audit says "error:" and no more when there is nobody to ask, and lists what it found otherwise. */
export function judge(output: string, code: number | null): Check {
  if (code === 0) return { name: ADVISORIES, passed: true, detail: output }
  const found = /\d+ vulnerabilit(?:y|ies)|\b(?:GHSA|CVE)-/i.test(output)
  const asked = !/^error: .*(?:- \d{3}|\b(?:ECONN\w+|ENOTFOUND|ConnectionRefused|FailedToOpenSocket|timed? ?out)\b)/im.test(output)
  if (found || (asked && code !== null)) return { name: ADVISORIES, passed: false, detail: output || `code ${code}` }
  const why = output.split("\n").findLast((line) => line.startsWith("error:")) ?? "no answer in time"
  return { name: `${ADVISORIES}: NOT ASKED, the registry offers none (${why})`, passed: true, detail: output }
}
