/**
 * `bun run bench:search:start`: how long an API process takes from its start until its index serves, and what it occupies then and
 * later, on the worlds of `bench:search`. `--sizes`, `--rounds` and `--data` as there.
 */
import { runCommand } from "../../services/say.ts"
import { say, spread } from "../environment.ts"
import { readOptions } from "./options.ts"
import { startContender } from "./servers.ts"
import { openStage, type Stage } from "./stage.ts"
import { ensureWorld } from "./worlds.ts"

/** By then the garbage of the start is collected. */
const LATER_MS = 10_000
const BYTES_PER_MB = 1024 * 1024

type Start = { seconds: number; processorSeconds: number; residentMb: number; laterMb: number; indexMb: number }

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2))
  await using stage = await openStage(options.data)
  console.log("| doctors | ready, s | of the processor, s | resident when ready, MB | 10 s later | the index's arrays |")
  console.log("|---|---|---|---|---|---|")
  for (const doctors of options.sizes) {
    const starts: Start[] = []
    for (let round = 0; round < options.rounds; round++) starts.push(await startOnce(stage, doctors))
    console.log(describe(doctors, starts))
  }
})

async function startOnce(stage: Stage, doctors: number): Promise<Start> {
  const world = await ensureWorld(stage.adminUrl, doctors, stage.postgis, say)
  const ours = await startContender("ours", { world, ...stage, projectId: "demo-pulsecal" })
  try {
    const [residentMb, processorSeconds] = [await ours.residentMb(), await ours.processorSeconds()]
    const metrics = await (await fetch(ours.metricsUrl as string)).text()
    const indexMb = Number(/^pulsecal_search_index_bytes (\S+)$/m.exec(metrics)?.[1]) / BYTES_PER_MB
    await Bun.sleep(LATER_MS)
    return { seconds: ours.loadSeconds as number, processorSeconds, residentMb, laterMb: await ours.residentMb(), indexMb }
  } finally {
    await ours.stop()
  }
}

function describe(doctors: number, starts: Start[]): string {
  const column = (of: keyof Start, digits: number) =>
    spread(
      starts.map((start) => start[of]),
      (n) => n.toFixed(digits),
    )
  const cells = [column("seconds", 1), column("processorSeconds", 0), column("residentMb", 0), column("laterMb", 0), column("indexMb", 0)]
  return `| ${doctors.toLocaleString("en")} | ${cells.join(" | ")} |`
}
