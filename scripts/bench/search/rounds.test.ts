import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openGenerator, writePaths } from "./generator.ts"
import { type Entrant, runRounds } from "./rounds.ts"

const SLOW_MS = 60

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-rounds-"))
})
afterAll(() => rm(folder, { recursive: true }))

/** A server that takes so long for each answer, and knows how many it was asked for at once. */
function serve(ms: number) {
  let [open, most, answered] = [0, 0, 0]
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch() {
      most = Math.max(most, ++open)
      await Bun.sleep(ms)
      open--
      answered++
      return new Response("{}")
    },
  })
  return { url: server.url.origin, seen: () => ({ most, answered }), [Symbol.asyncDispose]: () => server.stop(true) }
}

test("everybody is loaded in every round but the warm-up is not counted, and who is slow gets few connections", async () => {
  await using quick = serve(0)
  await using slow = serve(SLOW_MS)
  const generator = await openGenerator(undefined, folder, ["token"])
  const paths = await writePaths(folder, "paths", ["/"])
  const entrant = (name: string, url: string): Entrant => ({
    name,
    url,
    paths,
    probe: async () => void (await (await fetch(url)).arrayBuffer()),
  })
  const said: string[] = []
  const loads = await runRounds([entrant("quick", quick.url), entrant("slow", slow.url)], generator, {
    rounds: 1,
    seconds: 1,
    say: (line) => said.push(line),
  })
  expect([...loads].map(([name, of]) => [name, of.length])).toEqual([
    ["quick", 1],
    ["slow", 1],
  ])
  expect(slow.seen().most).toBe(4)
  // Four at a time, each taking at least so long.
  expect(loads.get("slow")?.[0]?.perSecond).toBeLessThanOrEqual(4_000 / SLOW_MS)
  expect(said[0]).toBe("warmed up")
  expect(said[1]).toStartWith("round 1: quick ")
})
