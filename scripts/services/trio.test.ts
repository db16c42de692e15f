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

test("realtime, which `api` alone reaches, believes it about where sockets come from; the public port believes whom it is told to", async () => {
  const { specs } = await planTrio({ ...options, environment: { TRUSTED_PROXIES: "10.0.0.0/8" }, metricsPort: undefined })
  const told = Object.fromEntries(specs.map(({ name, environment }) => [name, environment.TRUSTED_PROXIES]))
  expect(told).toMatchObject({ api: "10.0.0.0/8", realtime: "127.0.0.1" })
})
