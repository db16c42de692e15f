import { expect, test } from "bun:test"
import { openLog } from "../log.ts"
import { SYSTEM } from "./entry.ts"
import { findHead, insertEntries, listSealed, sealEntries } from "./queries.ts"
import { Recorder } from "./recorder.ts"
import { dropOld, type SealFailure, sealAudit, trySealAudit } from "./seal.ts"
import { DOCTOR, RETENTION_DAYS, type Trail, testTrail } from "./test-trail.ts"

const silent = openLog("test", "silent")

test("of many who seal at once, while others write, each entry gets one place, and no place is left out", async () => {
  await using trail = await testTrail()
  await Promise.all([
    ...Array.from({ length: 20 }, () => trail.read(60)),
    ...Array.from({ length: 20 }, async () => {
      for (let n = 0; n < 5; n++) await sealEntries(trail.run, 50)
    }),
  ])
  await trail.seal()
  expect(await trail.verify()).toMatchObject({ position: 1_203, rows: 1_203, findings: [] })
  expect(await trail.database.pool`select 1 from audit_inbox`).toHaveLength(0)
})

test("who finds another sealing goes away at once, and a request that writes waits for no sealer", async () => {
  await using trail = await testTrail()
  await trail.read(1)
  const held = await trail.database.pool.reserve()
  await held`begin`
  expect(await held`select sealed from seal_audit(10)`).toMatchObject([{ sealed: 1 }])
  const started = performance.now()
  await trail.read(1)
  expect(await trail.seal()).toBe(0)
  expect(performance.now() - started).toBeLessThan(1_000)
  await held`rollback`
  held.release()
  expect(await trail.seal()).toBe(2)
  expect(await trail.findings()).toEqual([])
})

test("a sealer that dies in the middle leaves everything as it was", async () => {
  await using trail = await testTrail()
  await trail.read(5)
  const before = await findHead(trail.run)
  await trail.run
    .begin(async (tx) => {
      await sealEntries(tx, 3)
      throw new Error("died")
    })
    .catch(() => {})
  expect(await findHead(trail.run)).toEqual(before)
  expect(await trail.seal()).toBe(5)
  expect(await trail.findings()).toEqual([])
})

test("whose data it was is found out from what was named: patients, visits and payments, each patient once", async () => {
  await using trail = await testTrail()
  const { pool } = trail.database
  const [ann, ben] = trail.patients as [string, string]
  const [doctor, clinic, visit, payment] = Array.from({ length: 4 }, () => Bun.randomUUIDv7()) as [string, string, string, string]
  await pool`
    insert into clinics (id, name, address, city, city_key, latitude, longitude, timezone, verification_code)
    values (${clinic}, 'C', 'A', 'X', 'x', 0, 0, 'UTC', 'code')`
  await pool`
    insert into doctors (id, clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency, clinic_name,
      clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8, working_hours, timezone)
    values (${doctor}, ${clinic}, 'D', 'd', 'S', 's', 1, 'USD', 'C', 'c', 'A', 'X', 'x', 0, 0, 0, 0, 0, '{}', 'UTC')`
  await pool`
    insert into appointments (id, doctor_id, patient_id, during) values (${visit}, ${doctor}, ${ben}, tstzrange(now(), now() + interval '1 hour'))`
  await pool`
    insert into payments (id, doctor_id, patient_id, amount, currency, method, created_at, updated_at)
    values (${payment}, ${doctor}, ${ben}, 1, 'USD', 'CASH', now(), now())`
  const entry = (ids: unknown) => JSON.stringify({ ids })
  await insertEntries(trail.run, [
    entry([visit]),
    entry([payment, visit, ann]),
    entry([Bun.randomUUIDv7()]),
    entry([]),
    entry("nonsense"),
    entry(["x", 1, null, ann.toUpperCase()]),
    "[]",
  ])
  await trail.seal()
  const rows = await listSealed(trail.run, 3, 100)
  const both = [ann, ben].sort()
  expect(rows.map((r) => [r.patients, r.resources])).toEqual([
    [ben, visit],
    [both.join(","), both.map((p) => (p === ann ? ann : "-")).join(",")],
    ...Array.from({ length: 5 }, () => ["", ""]),
  ])
  expect(await trail.findings()).toEqual([])
})

test("a partition that is full is followed by the next, and the oldest go when all in them is old: never what is younger than a year", async () => {
  await using trail = await testTrail({ partitionRows: 10 })
  const { pool } = trail.database
  await trail.read(32)
  await trail.seal()
  expect(await trail.verify()).toMatchObject({ position: 35, rows: 35, findings: [] })
  const partitions = async () =>
    (await pool<{ name: string }[]>`select relname as name from pg_class where relname ~ '^audit_log_\\d+$' order by 1`).map((r) => r.name)
  expect(await partitions()).toEqual(["audit_log_0", "audit_log_1", "audit_log_2", "audit_log_3"])
  expect(await dropOld(trail.run, -10, Date.now())).toEqual({ rows: 0, inUse: false })
  // As if time had passed: made old by the owner, and sealed anew.
  await pool`update audit_log set sealed_at = sealed_at - interval '7 years' where position <= 25`
  expect(await dropOld(trail.run, RETENTION_DAYS, Date.now())).toEqual({ rows: 20, inUse: false })
  expect(await partitions()).toEqual(["audit_log_2", "audit_log_3"])
  expect(await findHead(trail.run)).toMatchObject({ floor: 20, position: 35 })
  expect(await pool`select 1 from audit_subjects where position <= 20`).toHaveLength(0)
  expect((await trail.findings()).filter((f) => !/position 2[1-6]:/.test(f))).toEqual([])
})

test("a checkpoint is told to the process's log, no more than once a minute", async () => {
  await using trail = await testTrail()
  const told: unknown[] = []
  const log = Object.assign(Object.create(silent), { info: (line: unknown) => told.push(line) })
  await trail.read(1)
  await sealAudit(trail.run, log)
  expect(told).toEqual([])
  await trail.database.pool`update audit_head set checkpoint_at = now() - interval '61 seconds'`
  await trail.read(1)
  await sealAudit(trail.run, log)
  const { position, hash } = await trail.verify()
  expect(told).toEqual([{ auditPosition: position, auditHash: hash }])
})

/** A turn of the sealer: what it says at which level, and what it counts. */
async function turn(trail: Trail): Promise<{ warned: unknown[]; errors: unknown[]; failures: SealFailure[] }> {
  const said = { warned: [] as unknown[], errors: [] as unknown[], failures: [] as SealFailure[] }
  const log = Object.assign(Object.create(silent), {
    warn: (line: unknown) => said.warned.push(line),
    error: (line: unknown) => said.errors.push(line),
  })
  await trySealAudit(trail.run, log, (why) => said.failures.push(why))
  return said
}

test("a sealer that cannot reach the database says so and goes on", async () => {
  const trail = await testTrail()
  await trail[Symbol.asyncDispose]()
  expect(await turn(trail)).toEqual({ warned: [{ err: expect.any(Error) }], errors: [], failures: ["unavailable"] })
})

const FORGERIES: Record<string, (trail: Trail) => Promise<unknown>> = {
  "a row": ({ database: { pool } }) =>
    pool`insert into audit_log select 5, now(), '{"forged": true}', patients, resources, hash from audit_log where position = 3`,
  "a place in a patient's list": ({ database: { pool }, patients }) =>
    pool`insert into audit_subjects values (${patients[1] as string}, 5)`,
}

for (const [what, forge] of Object.entries(FORGERIES))
  test(`a sealer that finds ${what} where the next should stand says so as an error, loses and overwrites nothing, and goes on once it is gone`, async () => {
    await using trail = await testTrail()
    const { pool } = trail.database
    await forge(trail)
    await trail.read(2)
    const state = async () =>
      await pool`
        select h.position, (select json_agg(l order by l.position) from audit_log l) as log, (select json_agg(i order by id) from audit_inbox i) as inbox,
          (select json_agg(s order by s.position) from audit_subjects s) as subjects
        from audit_head h`
    const before = await state()
    expect(before).toMatchObject([{ position: 3, inbox: { length: 2 } }])
    const refused = { err: expect.objectContaining({ code: "23505" }) }
    for (let n = 0; n < 2; n++) expect(await turn(trail)).toEqual({ warned: [], errors: [refused], failures: ["refused"] })
    expect(await state()).toEqual(before)
    expect(await trail.findings()).toEqual([expect.stringMatching(/^position 5: (added|stands in the list)/)])
    await pool`delete from audit_log where position > 3`
    await pool`delete from audit_subjects where position > 3`
    expect(await turn(trail)).toEqual({ warned: [], errors: [], failures: [] })
    expect(await trail.verify()).toMatchObject({ position: 5, findings: [] })
  })

test("readers wait until their entries are committed, in groups; when they cannot be, each is told", async () => {
  await using trail = await testTrail()
  const recorder = new Recorder(trail.run)
  const ids = trail.patients
  const entry = JSON.stringify({ ids })
  await Promise.all(Array.from({ length: 300 }, () => recorder.record([entry])))
  expect(await trail.database.pool`select 1 from audit_inbox`).toHaveLength(300)
  await trail.database.pool`revoke insert on audit_inbox from pulsecal_app`
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => recorder.record([entry])))
  expect(new Set(outcomes.map((o) => o.status))).toEqual(new Set(["rejected"]))
  await trail.database.pool`grant insert on audit_inbox to pulsecal_app`
  await recorder.record([entry])
})

test("what the worker does of itself is written down as such, and an entry that is no JSON or too large is refused", async () => {
  await using trail = await testTrail()
  await trail.read(1, SYSTEM)
  await trail.seal()
  expect(JSON.parse((await listSealed(trail.run, 3, 1))[0]?.entry as string)).toMatchObject({ uid: null, role: "SYSTEM", address: null })
  expect(DOCTOR.role).toBe("DOCTOR")
  for (const text of ["no json", JSON.stringify("x".repeat(70_000))]) expect(insertEntries(trail.run, [text])).rejects.toThrow()
})

test("entries are kept byte for byte, in the order in which they were given", async () => {
  await using trail = await testTrail()
  const entries = ['{"ids": [] , "a":1.0,"a":"\\u00e9\\\\\\"]}, é"}', '[ "[", {"x":"}{"}\n]', '"plain, and 😀"', " 1e3 "]
  await insertEntries(trail.run, entries)
  await trail.seal()
  expect((await listSealed(trail.run, 3, 10)).map((row) => row.entry)).toEqual(entries.map((entry) => entry.trim()))
  expect(await trail.findings()).toEqual([])
})
