import { expect, test } from "bun:test"
import { sendArrivals } from "./arrivals.ts"
import { ask } from "./ask.ts"
import { Tally } from "./tally.ts"

type Answer = (nth: number) => Response | Promise<Response>

/** A server that answers as told, and how each of its answers ended. */
function serve(answer: Answer) {
  let nth = 0
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => answer(nth++) })
  const send = () => ask(server.url.href, "token")
  return { send, [Symbol.asyncDispose]: () => server.stop(true) }
}

const running = () => new AbortController().signal

test("a stall of half a second is in the percentiles of all who were due in it, though few could be sent", async () => {
  const [stallFromMs, stallToMs] = [500, 1_000]
  const started = performance.now()
  await using server = serve(async () => {
    const at = performance.now() - started
    if (at >= stallFromMs && at < stallToMs) await Bun.sleep(stallToMs - at)
    return new Response("{}")
  })
  const tally = new Tally()
  await sendArrivals(server.send, tally, { perSecond: 200, seconds: 2, inFlightMax: 4, drainMs: 2_000, signal: running() })
  expect(tally.count).toBe(400)
  expect(tally.outcomes).toEqual(new Map([["200", 400]]))
  // A quarter of all were due within the stall, evenly: three in four of those waited for over 125 ms, one in four for over 375 ms.
  expect(tally.latencyMs(85)).toBeGreaterThan(125)
  expect(tally.latencyMs(95)).toBeGreaterThan(350)
  expect(tally.latencyMaxMs).toBeGreaterThan(480)
  // With only four on the way, a clock that starts when a request is sent would see the stall in one in a hundred.
  expect(tally.latencyMs(50)).toBeLessThan(100)
})

test("every status is counted, refusals and failures apart", async () => {
  await using server = serve((nth) => new Response("{}", { status: nth % 10 === 0 ? 429 : nth % 10 === 1 ? 503 : 200 }))
  const tally = new Tally()
  await sendArrivals(server.send, tally, { perSecond: 500, seconds: 0.4, inFlightMax: 64, drainMs: 1_000, signal: running() })
  expect(Object.fromEntries(tally.outcomes)).toEqual({ "200": 160, "429": 20, "503": 20 })
  expect(tally.lines({ perSecond: 500, seconds: 0.4 }, 400)[0]).toContain("400.0 a second were answered with 200")
})

test("requests arrive at the rate that was asked for, not sooner", async () => {
  await using server = serve(() => new Response("{}"))
  const tally = new Tally()
  const { tookMs } = await sendArrivals(server.send, tally, {
    perSecond: 300,
    seconds: 1,
    inFlightMax: 64,
    drainMs: 1_000,
    signal: running(),
  })
  expect(tally.count).toBe(300)
  expect(tookMs).toBeGreaterThan(950)
})

test("a server that never answers leaves every request counted, at the latest when the drain ends", async () => {
  await using server = serve(() => new Promise<Response>(() => {}))
  const tally = new Tally()
  const started = performance.now()
  await sendArrivals(server.send, tally, { perSecond: 100, seconds: 0.2, inFlightMax: 5, drainMs: 300, signal: running() })
  expect(performance.now() - started).toBeLessThan(2_000)
  expect(Object.fromEntries(tally.outcomes)).toEqual({ "no answer": 5, "not sent": 15 })
  expect(tally.latencyMs(50)).toBeGreaterThan(250)
})

test("an interrupt ends the arrivals, and what is open is still answered and counted", async () => {
  await using server = serve(async () => {
    await Bun.sleep(100)
    return new Response("{}")
  })
  const stop = new AbortController()
  const tally = new Tally()
  setTimeout(() => stop.abort(), 300)
  const { tookMs, interruptedMs = 0 } = await sendArrivals(server.send, tally, {
    perSecond: 100,
    seconds: 60,
    inFlightMax: 64,
    drainMs: 2_000,
    signal: stop.signal,
  })
  expect(interruptedMs).toBeGreaterThan(250)
  expect(tookMs).toBeLessThan(interruptedMs + 2_500)
  expect(tally.outcomes.get("200")).toBe(tally.count)
  expect(tally.count).toBeGreaterThan(5)
})

test("an interrupt in a stall leaves nobody out who was due by then: whoever found no room has waited until it", async () => {
  const stall = Promise.withResolvers<void>()
  await using server = serve(async () => {
    await stall.promise
    return new Response("{}")
  })
  const [perSecond, inFlightMax] = [500, 4]
  const stop = new AbortController()
  const tally = new Tally()
  // Well after the interrupt: what is answered before that is seen makes room for others.
  setTimeout(() => {
    stop.abort()
    setTimeout(stall.resolve, 400)
  }, 500)
  const { interruptedMs = 0 } = await sendArrivals(server.send, tally, {
    perSecond,
    seconds: 60,
    inFlightMax,
    drainMs: 5_000,
    signal: stop.signal,
  })
  const due = Math.floor((interruptedMs / 1000) * perSecond) + 1
  expect(Object.fromEntries(tally.outcomes)).toEqual({ "200": inFlightMax, "not sent": due - inFlightMax })
  // They were due evenly: half of them had waited for more than half of the time.
  expect(tally.latencyMs(50)).toBeGreaterThan(interruptedMs * 0.45)
  expect(tally.latencyMs(90)).toBeGreaterThan(interruptedMs * 0.85)
})
