import { expect, test } from "bun:test"
import { Calls } from "./chaos/calls.ts"
import type { Attempt } from "./chaos/evidence.ts"
import { call } from "./chaos/sound.ts"
import { answersOf, type Sample, table } from "./soak-samples.ts"

const tries = (...outcomes: Attempt["outcome"][]) => ({ attempts: outcomes.map((outcome) => ({ at: 1, ms: 10, outcome })) })

test("of calls are told how many there were and succeeded, every try that failed or had no answer, and how long the answered took", () => {
  const calls = [
    call("x", "GET /a", 200, {}, tries("TimeoutError", 503, 200)),
    call("x", "GET /b", 409, {}, tries(409)),
    call("x", "GET /c", 500, {}, tries(500)),
    call("x", "GET /d", 0, {}, { ...tries("TimeoutError"), answer: undefined }),
  ]
  expect(answersOf(calls)).toEqual({ calls: 4, successes: 1, wrong: ["TimeoutError", 503, 500, "TimeoutError"], p50: 10, p99: 30 })
})

test("calls of which none was answered took no time that could be told", () => {
  const unanswered = call("x", "GET /d", 0, {}, { ...tries("TimeoutError"), answer: undefined })
  expect(answersOf([unanswered])).toEqual({ calls: 1, successes: 0, wrong: ["TimeoutError"], p50: Number.NaN, p99: Number.NaN })
})

test("a call that is under way is looked at when it has come to its end, and once", async () => {
  const held = Promise.withResolvers<void>()
  await using server = Bun.serve({
    port: 0,
    async fetch({ url }) {
      if (url.endsWith("/held")) await held.promise
      return Response.json({})
    },
  })
  const calls = new Calls(server.url.origin)
  const ask = (path: string) => calls.make({ uid: "x", token: "t" }, { method: "GET", path })
  const late = ask("/held")
  await ask("/quick")
  const paths = () => calls.takeFinished().map(({ path }) => path)
  expect(paths()).toEqual(["/quick"])
  held.resolve()
  await late
  expect(paths()).toEqual(["/held"])
  expect(paths()).toEqual([])
})

test("a soak's table has a row for each look", () => {
  const use = { memoryMb: 100, files: 50 }
  const answers = { calls: 1, successes: 1, wrong: [], p50: 1, p99: 2 }
  const lags = { lagEvents: 0, behindEvents: 0, realtimeBehindEvents: 0 }
  const look: Sample = { minute: 1, uses: { api: use, worker: use, realtime: use }, heard: {}, ...answers, ...lags }
  expect(table([look, look])).toHaveLength(4)
})
