/** Two minutes of `bun run chaos`, with another seed each time; the test's name says which. */
import { expect, test } from "bun:test"
import { report } from "./report.ts"
import { runChaos } from "./run.ts"
import { untried } from "./untried.ts"

const MINUTES = 2
const MINUTE_MS = 60_000
/** Starting, settling and judging, on a machine that may be slow. */
const AROUND_MS = 150_000
/** Half of what is drawn on an idle machine: a slow one takes longer to bring back what it killed. */
const FAULTS_MIN = 20
const seed = Math.floor(Math.random() * 2 ** 31)

test(
  `whatever is killed, frozen, wiped or cut off under load, no promise is broken (bun run chaos --minutes ${MINUTES} --seed ${seed})`,
  async () => {
    const outcome = await runChaos({ seed, durationMs: MINUTES * MINUTE_MS, say: () => {} })
    const shown = report(outcome)
    console.log(shown.join("\n"))
    expect(outcome.violations.length, shown.join("\n")).toBe(0)
    expect(outcome.evidence.faults.length).toBeGreaterThanOrEqual(FAULTS_MIN)
    expect(untried(outcome.evidence), shown.join("\n")).toEqual([])
  },
  MINUTES * MINUTE_MS + AROUND_MS,
)
