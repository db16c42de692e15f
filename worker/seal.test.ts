import { expect, test } from "bun:test"
import { insertEntries } from "../core/audit/queries.ts"
import { scrape, valueIn } from "../tests/harness/metrics.ts"
import { until } from "../tests/harness/services.ts"
import { testWorkers } from "./test-worker.ts"

const TURNS_MS = 15_000

test("a worker whose sealer finds the next place taken counts it, seals nothing meanwhile, and all that waited once it is gone", async () => {
  await using workers = await testWorkers()
  workers.environment.METRICS_PORT = "0"
  const { pool } = workers.database
  const [first, second] = ['{"ids": []}', '{"ids": [] }'] as const
  const sealed = (entry: string) =>
    until("it is sealed", async () => (await pool`select from audit_log where entry = ${entry}`).length > 0, TURNS_MS)
  const { metricsPort } = await workers.start()
  const failures = async (reason: string) => valueIn(await scrape(metricsPort), "pulsecal_audit_seal_failures_total", { reason })
  await insertEntries(pool, [first])
  await sealed(first)
  expect(await failures("refused")).toBe(0)
  await pool`insert into audit_log select position + 1, sealed_at, '{}', patients, resources, hash from audit_log`
  await insertEntries(pool, [second])
  await until("it is counted, turn after turn", async () => ((await failures("refused")) ?? 0) > 1, TURNS_MS)
  expect(await pool`select from audit_inbox`).toHaveLength(1)
  expect(await failures("unavailable")).toBe(0)
  await pool`delete from audit_log where position = 2`
  await sealed(second)
  expect(await pool`select from audit_inbox`).toHaveLength(0)
}, 60_000)
