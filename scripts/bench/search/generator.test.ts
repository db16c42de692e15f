import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { which } from "../../services/run.ts"
import { openGenerator, writePaths } from "./generator.ts"

const PATHS = ["/a?name=%C3%A9", "/b"]
const TOKENS = ["one", "two", "three"]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-generator-"))
})
afterAll(() => rm(folder, { recursive: true }))

/** A server that keeps what it was asked. */
function serve(status: number) {
  const seen = new Set<string>()
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname, search } = new URL(request.url)
      seen.add(`${pathname}${search} ${request.headers.get("authorization")}`)
      return new Response("{}", { status })
    },
  })
  return { url: server.url.origin, seen, [Symbol.asyncDispose]: () => server.stop(true) }
}

// wrk is measured with where it is; a machine without it has the other one alone.
const programs = [undefined, which("wrk")].filter((wrk, index) => index === 0 || wrk !== undefined)

for (const wrk of programs)
  describe(wrk ? "wrk" : "Bun's own client", () => {
    test("asks every path with every token, and tells the rate and the latencies", async () => {
      await using server = serve(200)
      const generator = await openGenerator(wrk, folder, TOKENS)
      const paths = await writePaths(folder, "paths", [...PATHS, ...PATHS, ...PATHS])
      const load = await generator.load({ url: server.url, paths, seconds: 1, connections: 4 })
      expect([...server.seen].sort()).toEqual(PATHS.flatMap((path) => ["one", "three", "two"].map((token) => `${path} Bearer ${token}`)))
      expect(load.perSecond).toBeGreaterThan(20)
      expect(load.p50Ms).toBeGreaterThan(0)
      expect(load.p99Ms).toBeGreaterThanOrEqual(load.p50Ms)
    })

    test("takes no rate of refusals for one of answers", async () => {
      await using server = serve(429)
      const generator = await openGenerator(wrk, folder, TOKENS)
      const paths = await writePaths(folder, "paths", PATHS)
      await expect(generator.load({ url: server.url, paths, seconds: 1, connections: 2 })).rejects.toThrow("no success")
    })

    test("takes a rate of refusals where those are asked for, and none of answers", async () => {
      await using refusing = serve(400)
      await using answering = serve(200)
      const generator = await openGenerator(wrk, folder, TOKENS)
      const paths = await writePaths(folder, "paths", PATHS)
      const load = await generator.load({ url: refusing.url, paths, seconds: 1, connections: 2, refused: true })
      expect(load.perSecond).toBeGreaterThan(20)
      const other = generator.load({ url: answering.url, paths, seconds: 1, connections: 2, refused: true })
      await expect(other).rejects.toThrow("no refusal")
    })
  })
