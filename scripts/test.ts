/**
 * `bun run test [filters]`: the checks, then every test on a real Postgres and real Redis servers of its own. The last
 * line is `N passed, N failed`, checks included. With filters, only the files whose paths contain one, without checks.
 */
import { join } from "node:path"
import { handleSignals } from "../core/process.ts"
import { report, runChecks } from "./checks/checks.ts"
import { findRedisServer } from "./services/redis.ts"
import { runCommand } from "./services/say.ts"
import { startTemporaryPostgres } from "./services/temporary.ts"
import { findTestFiles } from "./testing/files.ts"
import { HEAVY_LANES, LANES, runFiles, stopRun } from "./testing/run-files.ts"
import { add, NOTHING, type Tally } from "./testing/tally.ts"
import { makeTemplate } from "./testing/template.ts"

const ROOT = join(import.meta.dir, "..")
const say = (line: string) => console.log(line)
const stops: (() => Promise<unknown>)[] = []

async function stopAll(): Promise<void> {
  await stopRun()
  for (const stop of stops.splice(0).reverse()) await stop()
}

/** The addresses that tests/harness/services.ts reads; those already given are used as they are. */
async function startServers(): Promise<Record<string, string>> {
  const redisServer = process.env.TEST_REDIS_SERVER ?? (await findRedisServer(say))
  const adminUrl = process.env.TEST_DATABASE_URL ?? (await ownPostgres())
  const template = process.env.TEST_TEMPLATE ?? (await makeTemplate(adminUrl, join(ROOT, "sql")))
  return { TEST_DATABASE_URL: adminUrl, TEST_TEMPLATE: template, TEST_REDIS_SERVER: redisServer }
}

async function ownPostgres(): Promise<string> {
  const server = await startTemporaryPostgres({ say })
  stops.push(server.stop)
  return server.adminUrl
}

async function countChecks(): Promise<Tally> {
  const checks = await runChecks()
  report(checks)
  const failures = checks.filter((c) => !c.passed).map((c) => `check: ${c.name}`)
  return { passed: checks.length - failures.length, failed: failures.length, failures }
}

/** What a shell reports for an interrupted command: a run that was broken off has shown nothing. */
const INTERRUPTED = 130
const STOP_BOUND_MS = 30_000

handleSignals({
  log: { info: say, error: ({ err }, line) => console.error(line, err) },
  stop: async () => {
    await stopAll()
    process.exit(INTERRUPTED)
  },
  timeoutMs: STOP_BOUND_MS,
})

await runCommand(async () => {
  const args = process.argv.slice(2)
  const options = args.filter((a) => a.startsWith("-"))
  const filters = args.filter((a) => !a.startsWith("-"))
  const files = await findTestFiles(ROOT, filters)
  const stories: string[] = []
  let sum = NOTHING
  try {
    if (filters.length === 0) sum = await countChecks()
    const environment = await startServers()
    const run = { root: ROOT, options, environment, say, sayFailed: (story: string) => stories.push(story) }
    sum = add(sum, await runFiles({ ...run, files: files.together, atOnce: LANES }))
    sum = add(sum, await runFiles({ ...run, files: files.long, atOnce: files.long.length }))
    sum = add(sum, await runFiles({ ...run, files: files.heavy, atOnce: HEAVY_LANES }))
    sum = add(sum, await runFiles({ ...run, files: files.alone, atOnce: 1 }))
  } catch (error) {
    console.error(error instanceof Error && error.name === "SetupError" ? error.message : error)
    sum = add(sum, { passed: 0, failed: 1, failures: ["the run itself"] })
  }
  await stopAll()
  if (sum.passed + sum.failed === 0) {
    say(`no test file matches ${filters.join(" ")}`)
    sum = { ...NOTHING, failed: 1 }
  }
  for (const story of stories) say(story)
  for (const failure of sum.failures) say(`failed: ${failure}`)
  say(`${sum.passed} passed, ${sum.failed} failed`)
  process.exit(sum.failed === 0 ? 0 : 1)
})
