import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { type TestDatabase, testDatabase } from "../../tests/harness/services.ts"
import { readAnalytics } from "./read.ts"
import { Period } from "./schema.ts"
import { onDemand, Practice } from "./test-practice.ts"

const RUNS = 100
const CHANGES_MAX = 60

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

/** Far east and far west, a half-hour change, a change at midnight, none at all. */
const ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kolkata", "Pacific/Kiritimati", "UTC"]
const CURRENCIES = ["USD", "JPY", "KWD"]
const STATUSES = ["CONFIRMED", "REJECTED", "CANCELLED", "WAITING", "IN_PROGRESS", "COMPLETED", "NO_SHOW"]

const MINUTE_MS = 60_000
const DAY_MINUTES = 1_440
/** A day on which clocks change in several of the zones. */
const NOW = Date.parse("2026-11-01T12:00:00Z")
const instantAround = (days: number, before = days) =>
  fc.integer({ min: -before * DAY_MINUTES, max: days * DAY_MINUTES }).map((minutes) => new Date(NOW + minutes * MINUTE_MS))
/** Mostly near, where figures meet; sometimes as far as any period looks, and further. */
const at = fc.oneof({ weight: 3, arbitrary: instantAround(2) }, { weight: 2, arbitrary: instantAround(40, 70) }, instantAround(400, 800))
const n = fc.nat(1000)

const change = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("book" as const), n, at, fc.constantFrom("PENDING", "CONFIRMED", "COMPLETED")) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("move" as const), n, at) },
  { weight: 5, arbitrary: fc.tuple(fc.constant("setStatus" as const), n, fc.constantFrom(...STATUSES)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("pay" as const), n, fc.integer({ min: 1, max: 999_999 }), at) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("refund" as const), n, at) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("setDoctor" as const), fc.constant("timezone" as const), fc.constantFrom(...ZONES)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("setDoctor" as const), fc.constant("currency" as const), fc.constantFrom(...CURRENCIES)) },
  // The worker reads some of the log, in whatever pieces, or nothing for a while.
  { weight: 4, arbitrary: fc.tuple(fc.constant("process" as const), fc.integer({ min: 1, max: 8 })) },
)

async function apply(practice: Practice, [kind, ...args]: [string, ...unknown[]]): Promise<void> {
  await (practice[kind as "process"] as (...args: unknown[]) => Promise<void>).apply(practice, args)
}

test("after any history, read by the worker in any pieces, every figure of every period is what a plain query over the rows says", async () => {
  const history = fc.record({
    zone: fc.constantFrom(...ZONES),
    currency: fc.constantFrom(...CURRENCIES),
    changes: fc.array(change, { minLength: 10, maxLength: CHANGES_MAX }),
    now: fc.oneof(fc.constant(new Date(NOW)), instantAround(3)),
  })
  await fc.assert(
    fc.asyncProperty(history, async ({ zone, currency, changes, now }) => {
      const practice = await Practice.open(database.pool, zone, currency)
      for (const one of changes) await apply(practice, one as [string, ...unknown[]])
      await practice.process()
      for (const period of Period.options) {
        const { computedAt, ...figures } = await readAnalytics(database.pool, practice.doctorId, period, now.getTime())
        expect(figures).toEqual(await onDemand(database.pool, practice.doctorId, period, now))
      }
    }),
    { numRuns: RUNS },
  )
}, 120_000)
