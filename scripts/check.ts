/** `bun run check`: format, lint, import rules, cycles, types and house rules. */
import { report, runChecks } from "./checks/checks.ts"

const checks = await runChecks()
report(checks)
process.exit(checks.every((c) => c.passed) ? 0 : 1)
