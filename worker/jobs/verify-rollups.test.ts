import { expect, test } from "bun:test"
import { pino } from "pino"
import { Practice } from "../../core/analytics/test-practice.ts"
import { testDatabase } from "../../tests/harness/services.ts"
import { verify } from "./verify-rollups.ts"

test("what differs from the rows in the last 35 days is mended and said in the log, with its doctor and days; then there is nothing to say", async () => {
  await using database = await testDatabase()
  const { pool } = database
  const [wrong, right] = [await Practice.open(pool, "UTC", "USD"), await Practice.open(pool, "UTC", "USD")]
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
  // Today is the first of them.
  const verified = [daysAgo(34), daysAgo(1)]
  for (const practice of [wrong, right]) {
    for (const at of verified) await practice.pay(0, 5_000, at)
    await practice.process()
  }
  await pool`update doctor_days set revenue = revenue + 1 where doctor_id = ${wrong.doctorId}`
  const lines: Record<string, unknown>[] = []
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const context = { pool, log, noShowAfterMinutes: 60, retentionDays: 30, auditRetentionDays: 2_192, published: () => {} }
  await verify(context)
  const days = verified.map((at) => at.toISOString().slice(0, 10))
  expect(lines).toEqual([{ level: 40, doctorId: wrong.doctorId, days, msg: "rollups differed from the rows and are mended" }])
  const figures = await pool<{ revenue: number }[]>`select revenue from doctor_days`
  expect(figures.map(({ revenue }) => revenue)).toEqual([5_000, 5_000, 5_000, 5_000])
  await verify(context)
  expect(lines).toHaveLength(1)
})
