/** One world after the other: everybody starts, is checked, and is then loaded in turns. */
import { join } from "node:path"
import { say } from "../environment.ts"
import { checkAgreement, guardsOf } from "./agreement.ts"
import { BAD_PATHS, requireRefusals } from "./bad-input.ts"
import { CONTENDERS, type ContenderName, isStatic } from "./contenders.ts"
import { type Generator, writePaths } from "./generator.ts"
import type { Options } from "./options.ts"
import { pathOf } from "./peers/question.ts"
import { type Asked, type Questions, questionsFor } from "./questions.ts"
import type { ContenderResult, CostResult, SizeResult } from "./results.ts"
import { type Entrant, runRounds } from "./rounds.ts"
import { type Running, servedBy, startContender } from "./servers.ts"
import type { Stage } from "./stage.ts"
import { warmUp } from "./warm-up.ts"
import { ensureWorld } from "./worlds.ts"

export type Bench = { stage: Stage; generator: Generator; token: string; projectId: string; options: Options }

/** Rounds of the costs by radius and by size are short: all are of one contender. */
const COST_SECONDS = 2

export async function measureSize(bench: Bench, doctors: number): Promise<{ size: SizeResult; radii: CostResult }> {
  const { stage, options } = bench
  const world = await ensureWorld(stage.adminUrl, doctors, stage.postgis, say)
  const questions = await questionsFor(world, join(stage.folder, "questions"), say)
  const skipped = options.only.filter((name) => CONTENDERS[name].postgis && !stage.postgis)
  const names = options.only.filter((name) => !skipped.includes(name))
  const running: Running[] = []
  try {
    for (const name of names) running.push(await startContender(name, { world, ...stage, projectId: bench.projectId }))
    const checked = await checkAll(bench, running, questions.mix)
    const paths = await writePaths(
      stage.folder,
      `paths-${doctors}`,
      questions.mix.map(({ question }) => pathOf(question)),
    )
    const entrants = running.map(({ name, url }) => entrant(bench, name, url, paths, questions.mix))
    for (const { name, url } of running) if (!checked.has(name)) await warmUp(url, bench.token, questions.mix)
    say(`${doctors.toLocaleString("en")} doctors: ${options.rounds} rounds`)
    const loads = await runRounds(entrants, bench.generator, { rounds: options.rounds, seconds: options.seconds, say })
    const contenders = await Promise.all(
      running.map(
        async ({ name, url, residentMb, loadSeconds }): Promise<ContenderResult> => ({
          name,
          loads: loads.get(name) ?? [],
          checked: checked.get(name) ?? 0,
          residentMb: await residentMb(),
          loadSeconds,
          servedBy: await servedBy(url, pathOf((questions.mix[0] as Asked).question), bench.token),
        }),
      ),
    )
    for (const { name, servedBy } of contenders) if (servedBy) say(`${name} is served by ${servedBy}`)
    const { radii, radiusChecked } = await measureByRadius(bench, running, doctors, questions)
    const asked = { mix: questions.mix.length, byRadius: radiusChecked }
    const size = {
      doctors,
      asked,
      contenders,
      skipped: skipped.map((name) => ({ name, reason: "no PostGIS here, and none could be installed" })),
    }
    return { size, radii }
  } finally {
    await Promise.all(running.map(({ stop }) => stop()))
  }
}

/** Throws when one of them finds other doctors. Who was asked so much is warm. */
async function checkAll(bench: Bench, running: readonly Running[], mix: readonly Asked[]): Promise<Map<ContenderName, number>> {
  const counts = new Map<ContenderName, number>()
  for (const { name, url } of running) {
    if (isStatic(name)) continue
    counts.set(name, await requireAgreement(bench, { name, url }, mix))
    if (name === "ours" || name === "ours-sql") await requireGuards(name, url, bench.token, mix)
  }
  say(`the same doctors are found by ${[...counts].map(([name, count]) => `${name} (${count} searches)`).join(", ")}`)
  return counts
}

/** How many were asked. */
async function requireAgreement(bench: Bench, { name, url }: Pick<Running, "name" | "url">, asked: readonly Asked[]): Promise<number> {
  const { checked, disagreement } = await checkAgreement(name, url, bench.token, asked)
  if (disagreement) throw new Error(`${name} does not find the same doctors: ${disagreement}`)
  return checked
}

async function requireGuards(name: ContenderName, url: string, token: string, [first]: readonly Asked[]): Promise<void> {
  const guards = await guardsOf(url, pathOf((first as Asked).question), token)
  if (!guards.token || !guards.limit) throw new Error(`${name} must ask for a token and count the limit: ${JSON.stringify(guards)}`)
}

async function measureByRadius(bench: Bench, running: readonly Running[], doctors: number, { byRadius }: Questions) {
  const ours = running.find(({ name }) => name === "ours")
  if (!ours) return { radii: [], radiusChecked: 0 }
  let radiusChecked = 0
  for (const { asked } of byRadius) radiusChecked += await requireAgreement(bench, ours, asked)
  say(`ours finds the right doctors at every radius (${radiusChecked} searches)`)
  const entrants = await Promise.all(
    byRadius.map(async ({ radiusKm, asked }) => {
      const file = `paths-${doctors}-${radiusKm}km`
      const paths = await writePaths(
        bench.stage.folder,
        file,
        asked.map(({ question }) => pathOf(question)),
      )
      return entrant(bench, String(radiusKm), ours.url, paths, asked)
    }),
  )
  const loads = await runRounds(entrants, bench.generator, {
    rounds: bench.options.rounds,
    seconds: Math.min(COST_SECONDS, bench.options.seconds),
    say,
  })
  const radii: CostResult = byRadius.map(({ radiusKm }) => ({ of: radiusKm, loads: loads.get(String(radiusKm)) ?? [] }))
  return { radii, radiusChecked }
}

/** Our endpoint on all worlds at one time, in turns, asked well and badly: that alone compares their costs. */
export async function measureBySize(bench: Bench): Promise<{ bySize: CostResult; refused: CostResult }> {
  const { stage, options } = bench
  const running: Running[] = []
  try {
    const entrants: Entrant[] = []
    const bad = await writePaths(stage.folder, "paths-bad", BAD_PATHS)
    for (const doctors of options.sizes) {
      const world = await ensureWorld(stage.adminUrl, doctors, stage.postgis, say)
      const { mix } = await questionsFor(world, join(stage.folder, "questions"), say)
      const ours = await startContender("ours", { world, ...stage, projectId: bench.projectId })
      running.push(ours)
      await warmUp(ours.url, bench.token, mix)
      const paths = await writePaths(
        stage.folder,
        `paths-${doctors}`,
        mix.map(({ question }) => pathOf(question)),
      )
      await requireRefusals(ours.url, bench.token)
      const asked = entrant(bench, String(doctors), ours.url, paths, mix)
      entrants.push(asked, { ...asked, name: refusedAt(doctors), paths: bad, refused: true })
    }
    const loads = await runRounds(entrants, bench.generator, {
      rounds: options.rounds,
      seconds: Math.min(COST_SECONDS, options.seconds),
      say,
    })
    const costsOf = (nameAt: (doctors: number) => string) =>
      options.sizes.map((doctors) => ({ of: doctors, loads: loads.get(nameAt(doctors)) ?? [] }))
    return { bySize: costsOf(String), refused: costsOf(refusedAt) }
  } finally {
    await Promise.all(running.map(({ stop }) => stop()))
  }
}

const refusedAt = (doctors: number) => `${doctors} refused`

function entrant({ token }: Bench, name: string, url: string, paths: string, asked: readonly Asked[]): Entrant {
  const probed = pathOf((asked[0] as Asked).question)
  return {
    name,
    url,
    paths,
    async probe() {
      await (await fetch(url + probed, { headers: { authorization: `Bearer ${token}` } })).arrayBuffer()
    },
  }
}
