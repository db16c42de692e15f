/**
 * `bun run chaos [--minutes N] [--seed S] [--faults N] [--broken <name>]`: the whole system under load while its processes, Redis and
 * Postgres are killed, frozen, wiped and cut off; then a check with a model of its own. The seed decides what goes wrong and when.
 * Exit code 0: everything was tried and nothing broke. 1: a promise was broken, or the run could not be made. 2: nothing broke, but not
 * everything was tried, as in a run that is too short for it.
 */
import { parseArgs } from "node:util"
import { brokenCopy, isBroken, NAMES } from "./chaos/broken.ts"
import { exitCode, report } from "./chaos/report.ts"
import { runChaos } from "./chaos/run.ts"
import { findRedisServer } from "./services/redis.ts"
import { runCommand, SetupError } from "./services/say.ts"

const MINUTE_MS = 60_000
const SEED_MAX = 2 ** 31

await runCommand(async () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "2" },
      seed: { type: "string" },
      faults: { type: "string" },
      broken: { type: "string" },
    },
  })
  const number = (name: "minutes" | "seed" | "faults") => {
    const value = Number(values[name])
    if (!(value >= 0)) throw new SetupError(`--${name} must be a number`)
    return value
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * SEED_MAX) : number("seed")
  if (values.broken !== undefined && !isBroken(values.broken)) throw new SetupError(`--broken must be one of ${NAMES.join(", ")}`)
  const say = (line: string) => console.error(line)
  process.env.TEST_REDIS_SERVER ??= await findRedisServer(say)
  console.log(`seed ${seed}: \`bun run chaos --minutes ${values.minutes} --seed ${seed}\` draws the same again`)
  await using copy = values.broken === undefined ? undefined : await brokenCopy(values.broken)
  const maxFaults = values.faults === undefined ? undefined : number("faults")
  const outcome = await runChaos({ seed, durationMs: number("minutes") * MINUTE_MS, maxFaults, root: copy?.root, say })
  for (const line of report(outcome)) console.log(line)
  process.exit(exitCode(outcome))
})
