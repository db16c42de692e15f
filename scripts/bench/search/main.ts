/** `bun run bench:search`: nearby search against its peers over HTTP, on worlds that are kept. See the README for what it prints. */
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { cpus } from "node:os"
import { join } from "node:path"
import { mintDevelopmentToken } from "../../../core/auth/development.ts"
import { runCommand } from "../../services/say.ts"
import { say } from "../environment.ts"
import { chart } from "./chart.ts"
import { measureAnswerCosts, measureIndexAlone } from "./children.ts"
import { openGenerator } from "./generator.ts"
import { type Bench, measureBySize, measureSize } from "./measure.ts"
import { type Options, readOptions } from "./options.ts"
import { findWrk } from "./packages.ts"
import { withFigures } from "./readme.ts"
import { report } from "./report.ts"
import type { Results } from "./results.ts"
import { openStage, type Stage } from "./stage.ts"
import { ensureWorld } from "./worlds.ts"

const ROOT = join(import.meta.dir, "..", "..", "..")
const README = join(ROOT, "README.md")
const CHART = join(ROOT, "docs", "bench-search.svg")
/** So many callers that none of them reaches the limit a minute has. */
const CALLERS = 64
const TOKEN_SECONDS = 6 * 3600
const USUAL_DOCTORS = 100_000

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2))
  await using stage = await openStage(options.data)
  const results = await measure(stage, options)
  const figures = report(results)
  console.log(figures)
  await writeFile(join(stage.folder, "results.json"), JSON.stringify(results))
  if (options.write) await publish(results, figures)
})

async function measure(stage: Stage, options: Options): Promise<Results> {
  const projectId = "demo-pulsecal"
  const tokens = Array.from({ length: CALLERS }, (_, n) =>
    mintDevelopmentToken({ projectId, uid: `bench-${n}`, expiresInSeconds: TOKEN_SECONDS }),
  )
  const generator = await openGenerator(await findWrk(say), stage.folder, tokens)
  const bench: Bench = { stage, generator, token: tokens[0] as string, projectId, options }
  const results: Results = {
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, Bun ${Bun.version}, PostgreSQL ${stage.postgresVersion}`,
    generator: generator.name,
    rounds: options.rounds,
    seconds: options.seconds,
    sizes: [],
    bySize: [],
    refused: [],
    byRadius: [],
    indexAlone: undefined,
    answerCosts: undefined,
  }
  for (const doctors of options.sizes) {
    const { size, radii } = await measureSize(bench, doctors)
    results.sizes.push(size)
    results.byRadius.push({ doctors, radii })
  }
  if (options.only.includes("kdbush")) results.indexAlone = await measureIndexAlone(options.sizes)
  if (!options.only.includes("ours")) return results
  return { ...results, ...(await measureBySize(bench)), answerCosts: await measureParts(bench) }
}

/** Among 100,000 doctors where that is one of the worlds, otherwise in the largest. */
async function measureParts({ stage, projectId, options }: Bench): Promise<string> {
  const doctors = options.sizes.includes(USUAL_DOCTORS) ? USUAL_DOCTORS : (options.sizes.at(-1) as number)
  const world = await ensureWorld(stage.adminUrl, doctors, stage.postgis, say)
  return await measureAnswerCosts(world, { redis: stage.redis, projectId, paths: join(stage.folder, `paths-${doctors}`) })
}

async function publish(results: Results, figures: string): Promise<void> {
  await mkdir(join(ROOT, "docs"), { recursive: true })
  await writeFile(CHART, await chart(results.sizes))
  const picture = "![Nearby searches a second, by contender and number of doctors](docs/bench-search.svg)"
  await writeFile(README, withFigures(await readFile(README, "utf8"), `${figures}\n\n${picture}`))
  say("the README's figures and docs/bench-search.svg are written anew")
}
