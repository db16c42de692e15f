import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestDatabase, testDatabase, until } from "../../tests/harness/services.ts"
import { readAnalytics } from "./read.ts"
import { recomputeRollups, verifyRollups } from "./recompute.ts"
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
    await practice.publish()
    await practice.read()
  })
  await computing
  const { payments, computedAt } = await answered(practice)
  expect(payments).toBe(3)
  expect(computedAt).toBeGreaterThanOrEqual(committed)
  expect(computedAt).toBeLessThanOrEqual(await clock())
})

const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS)

/** Fails unless what is answered counts as many payments as were committed before the time it gives. */
async function expectComplete(practice: Practice, committed: number[]): Promise<void> {
  const { payments, computedAt } = await answered(practice)
  expect(payments).toBeGreaterThanOrEqual(committed.filter((at) => at < computedAt).length)
}

test("while a change of another day waits to be read, figures are not said to be of after it, on whatever day it is", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  await practice.pay(0, PAID, daysAgo(0))
  await practice.process()
  // What that has announced is read as well.
  await practice.process()
  const before = await answered(practice)
  // Of two changes the worker has read the first and not yet the second; it computes meanwhile.
  await practice.pay(0, PAID, daysAgo(1))
  const first = await clock()
  await practice.pay(0, PAID, daysAgo(3))
  const second = await clock()
  await Bun.sleep(2)
  await practice.process(1)
  const between = await answered(practice)
  expect(between.payments).toBe(2)
  expect([before.computedAt <= between.computedAt, between.computedAt <= second]).toEqual([true, true])
  await practice.process()
  const after = await answered(practice)
  expect([after.payments, after.computedAt > first, after.computedAt > second]).toEqual([3, true, true])
})

test("a transaction that commits late is in figures of after its commit, however much was computed since it began", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  const written = Promise.withResolvers<void>()
  const committing = Promise.withResolvers<void>()
  const late = practice.pay(0, PAID, daysAgo(2), async () => {
    written.resolve()
    await committing.promise
  })
  await written.promise
  await practice.pay(0, PAID, daysAgo(0))
  await practice.process()
  const before = await answered(practice)
  expect(before.payments).toBe(1)
  // What comes next is published, then the late one commits, and only then is it computed.
  await practice.pay(0, PAID, daysAgo(1))
  await practice.publish()
  committing.resolve()
  await late
  const committed = await clock()
  await Bun.sleep(2)
  for (const doctorId of await practice.read()) await recomputeRollups(database.pool, doctorId)
  const between = await answered(practice)
  expect(between.payments).toBe(2)
  expect(between.computedAt).toBeLessThanOrEqual(committed)
  // It occurred before the figures that were answered already, and the time does not go back.
  expect(between.computedAt).toBeGreaterThanOrEqual(before.computedAt)
  expect(await verifyRollups(database.pool, practice.doctorId, 2, Date.now())).toEqual([])
  await expectComplete(practice, [0, 0, committed])
  await practice.process()
  expect(await answered(practice)).toMatchObject({ payments: 3 })
  expect((await answered(practice)).computedAt).toBeGreaterThan(committed)
})

test("the verification does not make figures younger whose other days wait to be computed", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  await practice.pay(0, PAID, daysAgo(0))
  await practice.process()
  await practice.pay(0, PAID, daysAgo(4))
  const committed = await clock()
  await practice.publish()
  await practice.read()
  await Bun.sleep(2)
  await verifyRollups(database.pool, practice.doctorId, 2, Date.now())
  await expectComplete(practice, [0, committed])
  await recomputeRollups(database.pool, practice.doctorId)
  expect(await answered(practice)).toMatchObject({ payments: 2 })
})

test("whoever pays, publishes, reads, computes, verifies and asks at once: no answer lacks what was committed before its time", async () => {
  const practice = await Practice.open(database.pool, "UTC", "USD")
  await practice.pay(0, PAID, daysAgo(0))
  const committed = [await clock()]
  await practice.process()
  let left = 4
  const write = async () => {
    for (let n = 0; n < 40; n++) {
      await practice.pay(n, PAID, daysAgo(Math.floor(Math.random() * 6)), () => Bun.sleep(Math.random() * 8))
      committed.push(await clock())
    }
    left--
  }
  const whileWriting = async (act: () => Promise<unknown>) => {
    while (left > 0) {
      await act()
      await Bun.sleep(Math.random() * 3)
    }
  }
  const answers: { payments: number; computedAt: number }[] = []
  await Promise.all([
    ...Array.from({ length: left }, write),
    whileWriting(() => practice.publish()),
    whileWriting(() => practice.read(1 + Math.floor(Math.random() * 3))),
    whileWriting(() => recomputeRollups(database.pool, practice.doctorId)),
    whileWriting(() => recomputeRollups(database.pool, practice.doctorId)),
    whileWriting(() => verifyRollups(database.pool, practice.doctorId, 3, Date.now())),
    whileWriting(async () => answers.push(await answered(practice))),
  ])
  const lacking = answers.filter(({ payments, computedAt }) => payments < committed.filter((at) => at < computedAt).length)
  expect([answers.length > 50, lacking]).toEqual([true, []])
  await practice.process()
  const last = await answered(practice)
  expect([last.payments, committed.filter((at) => at < last.computedAt).length]).toEqual([161, 161])
}, 30_000)
