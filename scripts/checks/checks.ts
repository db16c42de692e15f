/** Everything about the source that a machine can say without running it. */
import { join } from "node:path"
import { checkAdvisories } from "../supply/advisories.ts"
import { readBill } from "../supply/bill.ts"
import { findBreaches, readSources } from "./house-rules.ts"

export type Check = { name: string; passed: boolean; detail: string }

const ROOT = join(import.meta.dir, "..", "..")
/** Both take seconds; a machine under load may take ten times as long. */
const TOOL_TIMEOUT_MS = 120_000

export const CHECKS: readonly (() => Promise<Check>)[] = [
  () => tool("format, lint, import rules and cycles (Biome)", ["biome", "check", "--error-on-warnings", "."]),
  () => tool("types (TypeScript)", ["tsc", "--pretty", "false"]),
  houseRules,
  billOfMaterials,
  checkAdvisories,
]

export function runChecks(): Promise<Check[]> {
  return Promise.all(CHECKS.map((check) => check()))
}

async function tool(name: string, [program = "", ...args]: string[]): Promise<Check> {
  const path = join(ROOT, "node_modules", ".bin", program)
  const child = Bun.spawn([path, ...args], { cwd: ROOT, stdout: "pipe", stderr: "pipe", timeout: TOOL_TIMEOUT_MS })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { name, passed: code === 0, detail: `${out}${err}`.trim() }
}

async function houseRules(): Promise<Check> {
  const breaches = findBreaches(await readSources(ROOT))
  return { name: "house rules", passed: breaches.length === 0, detail: breaches.join("\n") }
}

export async function billOfMaterials(): Promise<Check> {
  const made = await readBill().then(
    ({ components }) => ({ passed: components.length > 0, detail: "it is empty" }),
    (error: Error) => ({ passed: false, detail: error.message }),
  )
  return { name: "bill of materials (CycloneDX)", ...made }
}

/** Prints each, with its findings if it failed. */
export function report(checks: Check[]): void {
  for (const { name, passed, detail } of checks) {
    console.log(`${passed ? "pass" : "FAIL"}  ${name}`)
    if (!passed) console.log(detail)
  }
}
