import { expect, test } from "bun:test"
import fc from "fast-check"
import { Histogram } from "prom-client"
import { HeldHistogram } from "./held-series.ts"
import { Metrics } from "./metrics.ts"

const OPTIONS = {
  name: "duration_seconds",
  help: "How long it took",
  labelNames: ["route", "status"] as const,
  buckets: [0.005, 0.1, 1, 10],
}
const ROUTES = ["/a", 'odd "quotes" \\ and\nlines', ""]

const observation = fc.record({
  labels: fc.record({ route: fc.constantFrom(...ROUTES), status: fc.constantFrom(200, 404) }),
  value: fc.oneof(fc.constantFrom(0, ...OPTIONS.buckets), fc.double({ min: 0, max: 20, noNaN: true })),
})

/** The values of the sum are added up in the same order, so that they are equal to the last digit. */
const linesOf = async (metrics: Metrics) => (await metrics.text()).split("\n").sort()

test("series that are held read as prom-client's own, for any observations and labels", async () => {
  const property = fc.asyncProperty(fc.array(observation, { maxLength: 40 }), async (observations) => {
    const [ours, theirs] = [new Metrics("api", "1"), new Metrics("api", "1")]
    const held = new HeldHistogram(ours, OPTIONS)
    const own = new Histogram({ ...OPTIONS, buckets: [...OPTIONS.buckets], registers: [theirs.registry] })
    const series = new Map<string, ReturnType<typeof held.hold>>()
    for (const { labels, value } of observations) {
      series.getOrInsertComputed(JSON.stringify(labels), () => held.hold(labels)).observe(value)
      own.observe(labels, value)
    }
    expect(await linesOf(ours)).toEqual(await linesOf(theirs))
  })
  await fc.assert(property, { numRuns: 200 })
})
