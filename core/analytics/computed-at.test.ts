import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestDatabase, testDatabase, until } from "../../tests/harness/services.ts"
import { readAnalytics } from "./read.ts"
import { Practice } from "./test-practice.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const PAID = 1_000
const ROUNDS = 10

/** What the doctor is answered: how many payments of `PAID` are in the figures, and of when these are. */
async function answered(practice: Practice): Promise<{ payments: number; computedAt: number }> {
  const { summary, computedAt } = await readAnalytics(database.pool, practice.doctorId, "week", Date.now())
  return { payments: (summary.revenue * 100) / PAID, computedAt: new Date(computedAt).getTime() }
}

/** By the database's clock, in whole milliseconds as instants are answered. */
async function clock(): Promise<number> {
  const [row] = await database.pool<{ now: Date }[]>`select date_trunc('milliseconds', clock_timestamp()) as now`
  return row?.now.getTime() as number
}

test("figures that count a change are of a time between its commit and the answer; one committed after that time is not counted yet", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  let counted = { payments: 0, computedAt: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    await practice.pay(0, PAID, new Date())
    const committed = await clock()
    if (round > 0) expect(await answered(practice)).toEqual(counted)
    await practice.process()
    counted = await answered(practice)
    expect(counted.payments).toBe(round + 1)
    expect(counted.computedAt).toBeGreaterThanOrEqual(committed)
    expect(counted.computedAt).toBeLessThanOrEqual(await clock())
    // So that the next commit is of a later millisecond.
    await Bun.sleep(2)
  }
})

test("a computation that had to wait is of the time after the wait, and counts what was committed meanwhile", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  await practice.pay(0, PAID, new Date())
  await practice.process()
  await practice.pay(0, PAID, new Date())
  let computing: Promise<void> | undefined
  let committed = 0
  await database.pool.begin(async (tx) => {
    await tx`select from doctor_rollups where doctor_id = ${practice.doctorId} for update`
    computing = practice.process()
    const waits = () => database.pool`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%doctor_rollups%'`
    await until("the computation waits", async () => (await waits()).length > 0)
    await practice.pay(0, PAID, new Date())
    committed = await clock()
  })
  await computing
  const { payments, computedAt } = await answered(practice)
  expect(payments).toBe(3)
  expect(computedAt).toBeGreaterThanOrEqual(committed)
  expect(computedAt).toBeLessThanOrEqual(await clock())
})
