import { expect, test } from "bun:test"
import { planTrio } from "./trio.ts"

const options = { port: 3000, command: (name: string) => [name], environment: { METRICS_PORT: "7" } }

async function metricsPorts(metricsPort: number | undefined) {
  const { specs } = await planTrio({ ...options, metricsPort })
  return Object.fromEntries(specs.map(({ name, environment }) => [name, environment.METRICS_PORT]))
}

test("the three processes never get one metrics port: three in a row, any three, or none at all", async () => {
  expect(await metricsPorts(9464)).toEqual({ api: "9464", worker: "9465", realtime: "9466" })
  expect(await metricsPorts(0)).toEqual({ api: "0", worker: "0", realtime: "0" })
  expect(await metricsPorts(undefined)).toEqual({ api: "", worker: "", realtime: "" })
})
