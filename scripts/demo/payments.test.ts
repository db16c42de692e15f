import { afterAll, beforeAll, expect, test } from "bun:test"
import { readAnalytics } from "../../core/analytics/read.ts"
import { recomputeRollups } from "../../core/analytics/recompute.ts"
import { Period } from "../../core/analytics/schema.ts"
import { onDemand } from "../../core/analytics/test-practice.ts"
import { DEVELOPMENT_KEYS } from "../../core/payment-keys.ts"
import { storedCards, unopened } from "../../core/payments/test-cards.ts"
import { listWaitingDoctors } from "../../core/work/queries.ts"
import { type TestDatabase, testDatabase } from "../../tests/harness/services.ts"
import { seedDemo } from "./seed.ts"

const NOW = new Date("2026-03-10T15:10:00Z")

let database: TestDatabase
let doctorId: string
beforeAll(async () => {
  database = await testDatabase()
  doctorId = (await seedDemo(database.pool, { doctors: 1, keys: DEVELOPMENT_KEYS, now: NOW })).doctor.doctorId
})
afterAll(() => database[Symbol.asyncDispose]())

type Row = { status: string; method: string; visit: string; at: Date; end: Date; made: Date; paid: Date | null; refunded: Date | null }

const payments = () => database.pool<Row[]>`
  select p.status, p.method, a.status as visit, a.scheduled_at as at, a.ends_at as end, p.created_at as made, p.paid_at as paid, p.refunded_at as refunded
  from payments p join appointments a on a.id = p.appointment_id and a.doctor_id = p.doctor_id and a.patient_id = p.patient_id`

test("the demo doctor's visits are paid in every way and to every end, none before it was asked for or in the future", async () => {
  const rows = await payments()
  expect(rows.length).toBeGreaterThan(60)
  expect([...new Set(rows.map((row) => row.status))].sort()).toEqual(["COMPLETED", "FAILED", "PENDING", "REFUNDED"])
  expect([...new Set(rows.map((row) => row.method))].sort()).toEqual(["CARD", "CASH", "INSURANCE"])
  for (const { status, visit, at, end, made, paid, refunded } of rows) {
    // A visit that was called off keeps no money; one that took place was paid for after it.
    expect(visit === "CANCELLED" ? status === "REFUNDED" && made < at : visit === "COMPLETED" && made >= end).toBe(true)
    expect(refunded === null || (paid !== null && paid < refunded)).toBe(true)
    for (const moment of [made, paid, refunded]) expect((moment?.getTime() ?? 0) <= NOW.getTime()).toBe(true)
  }
})

test("its cards are sealed with the keys, and without keys there are none", async () => {
  const cards = await storedCards(database.pool)
  expect(cards.length).toBeGreaterThan(20)
  expect(unopened(DEVELOPMENT_KEYS, cards)).toEqual([])
  await using other = await testDatabase()
  await seedDemo(other.pool, { doctors: 1 })
  expect(await storedCards(other.pool)).toEqual([])
  expect((await other.pool`select distinct method from payments order by method`).map((row) => row.method)).toEqual(["CASH", "INSURANCE"])
})

test("a worker, whether it runs already or not, is told to count them, and the figures are then right and not nothing", async () => {
  expect(await listWaitingDoctors(database.pool, 0, 10)).toEqual([doctorId])
  await recomputeRollups(database.pool, doctorId)
  for (const period of Period.options) {
    const { computedAt, ...figures } = await readAnalytics(database.pool, doctorId, period, NOW.getTime())
    expect(figures).toEqual(await onDemand(database.pool, doctorId, period, NOW))
    if (period === "month") expect(figures.summary.revenue).toBeGreaterThan(5_000)
  }
})

test("of one seed and moment everything but the sealing is the same", async () => {
  await using a = await testDatabase()
  await using b = await testDatabase()
  const rows = async ({ pool }: TestDatabase) => {
    await seedDemo(pool, { doctors: 1, seed: 5, now: NOW, keys: DEVELOPMENT_KEYS })
    return [...(await pool`select to_jsonb(p) - 'card_sealed' as row from payments p order by id`)]
  }
  expect(await rows(b)).toEqual(await rows(a))
})
