import { expect, test } from "bun:test"
import { until } from "../../tests/harness/services.ts"
import type { Pool } from "../db.ts"
import { dropOldestAudit, insertEntries } from "./queries.ts"
import { growOld, RETENTION_DAYS, type Trail, testTrail } from "./test-trail.ts"
import { type Verification, verifyAudit } from "./verify.ts"

const MEANWHILE_MS = 60_000

/** A check before whose every step but the first, be it a statement or a transaction, something happens. */
async function verifyWhile(trail: Trail, act: (step: number) => Promise<unknown>): Promise<Verification> {
  let steps = 0
  const before = async () => {
    if (steps++ > 0) await act(steps - 1)
  }
  const pool = new Proxy(trail.run, {
    apply: async (target, self, args) => {
      await before()
      return await Reflect.apply(target, self, args)
    },
    get: (target, key) =>
      key !== "begin"
        ? Reflect.get(target, key)
        : async (...args: Parameters<Pool["begin"]>) => {
            await before()
            return await target.begin(...args)
          },
  })
  const verification = await verifyAudit(pool, { retentionDays: RETENTION_DAYS, now: Date.now() })
  expect(steps).toBeGreaterThan(2)
  return verification
}

/** Holds the table, waits until the check waits for it, does this in the same transaction, and lets both go on. */
async function whileItWaitsFor(trail: Trail, table: string, act: (tx: Pool) => Promise<unknown>): Promise<() => Promise<void>> {
  const session = await trail.database.pool.reserve()
  await session.unsafe(`begin; lock table ${table} in access exclusive mode`)
  return async () => {
    await until("the check waits", async () => (await waiters(session, table)).length > 0)
    await act(session as unknown as Pool)
    await session`commit`
    session.release()
  }
}

/** Databases of other tests are clones, with the same numbers of tables. */
async function waiters(session: Pool, table: string): Promise<readonly unknown[]> {
  return await session`
    select from pg_locks join pg_database d on d.oid = database
    where not granted and relation = ${table}::regclass and d.datname = current_database()`
}

/** An entry, sealed with a checkpoint. */
async function sealOne(db: Pool): Promise<void> {
  await db`update audit_head set checkpoint_at = now() - interval '1 hour'`
  await insertEntries(db, ['{"ids": []}'])
  expect(await db`select sealed, checkpoint from seal_audit(100)`).toMatchObject([{ sealed: 1, checkpoint: true }])
}

test("what is sealed between any two steps of a check is no finding", async () => {
  await using trail = await testTrail()
  await trail.read(17)
  await trail.seal()
  expect(await verifyWhile(trail, () => sealOne(trail.database.pool))).toMatchObject({ position: 20, rows: 20, findings: [] })
  expect((await trail.verify()).position).toBeGreaterThan(21)
})

for (const table of ["audit_log", "audit_subjects", "audit_checkpoints"])
  test(`what is sealed while a check waits for ${table} is no finding`, async () => {
    await using trail = await testTrail()
    const goOn = await whileItWaitsFor(trail, table, sealOne)
    const [found] = await Promise.all([trail.findings(), goOn()])
    expect(found).toEqual([])
    expect(await trail.verify()).toMatchObject({ position: 4, findings: [] })
  })

/** 4,003 rows, which are three batches of a check, in partitions of 1,000: the first three are too old to be kept. */
async function oldTrail(): Promise<Trail> {
  const trail = await testTrail({ partitionRows: 1_000 })
  await trail.read(4_000)
  await trail.seal()
  await growOld(trail.database.pool, 3_500)
  expect(await trail.verify()).toMatchObject({ floor: 0, rows: 4_003, findings: [] })
  return trail
}

const dropOne = (trail: Trail) => dropOldestAudit(trail.run, new Date())

test("a partition that is dropped between any two steps of a check is no finding, and no step keeps it from being dropped", async () => {
  await using trail = await oldTrail()
  let dropped = 0
  const verification = await verifyWhile(trail, async () => {
    dropped += await dropOne(trail)
  })
  expect(verification).toMatchObject({ floor: 1_000, position: 4_003, rows: 3_003, findings: [] })
  expect(dropped).toBe(3_000)
}, 30_000)

test("partitions that are dropped before a check has come to them are no finding; what is left is checked", async () => {
  await using trail = await oldTrail()
  const verify = () =>
    verifyWhile(trail, async (step) => {
      if (step === 2) for (let n = 0; n < 3; n++) expect(await dropOne(trail)).toBe(1_000)
    })
  expect(await verify()).toMatchObject({ floor: 3_000, position: 4_003, rows: 1_003, findings: [] })
}, 30_000)

test(
  "a partition that is dropped while a check waits for the log is no finding, at whichever step it waits",
  async () => {
    await using trail = await oldTrail()
    const drop = (tx: Pool) => tx`select drop_old_audit(now())`
    const first = await whileItWaitsFor(trail, "audit_log", drop)
    const [found] = await Promise.all([trail.findings(), first()])
    expect(found).toEqual([])
    let waited: Promise<void> | undefined
    const verification = await verifyWhile(trail, async (step) => {
      if (step > 2) return
      await waited
      waited = (await whileItWaitsFor(trail, "audit_log", drop))()
    })
    await waited
    expect(verification).toMatchObject({ position: 4_003, findings: [] })
    expect(await trail.verify()).toMatchObject({ floor: 3_000, findings: [] })
  },
  MEANWHILE_MS,
)

test("a floor that is raised over young rows while a check goes on is found by that check", async () => {
  await using trail = await oldTrail()
  const raise = () => trail.database.pool`
    update audit_head set floor = 4000, floor_hash = (select hash from audit_log where position = 4000), floor_at = now()`
  const verification = await verifyWhile(trail, async (step) => {
    if (step === 2) await raise()
  })
  expect(verification.findings[0]).toStartWith(
    "positions 1 to 4000: removed: rows are kept for 2192 days, and the last of these was sealed",
  )
}, 30_000)
