import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import postgres from "postgres"
import { type TestDatabase, testDatabase } from "../../tests/harness/services.ts"
import { setAuditRetention } from "../audit/queries.ts"
import { testTrail } from "../audit/test-trail.ts"
import { openPool, type Pool } from "../db.ts"
import { announce } from "../events/log.ts"
import { age, endPartition } from "../upkeep/test-partitions.ts"
import { ensureRunRole, scramVerifier } from "./run-role.ts"

let database: TestDatabase
let run: Pool
beforeAll(async () => {
  database = await testDatabase()
  run = openPool(database.url, { max: 2, name: "test" })
  await announce(run, { name: "access:changed", data: { uid: "x" }, about: { uid: "x" } })
  await run`insert into audit_inbox (entry) values ('{"ids": []}')`
  await run`select seal_audit(10)`
  await run`insert into audit_inbox (entry) values ('{"ids": []}')`
})
afterAll(async () => {
  await run.end()
  await database[Symbol.asyncDispose]()
})

const DENIED = "42501"
const outcome = (statement: string, as: Pool = run) =>
  as.unsafe(statement).then(
    () => "done",
    (error: { code: string }) => error.code,
  )

describe("the role that the processes run as", () => {
  test("is no superuser, owns nothing and may make nothing", async () => {
    const [role] = await run`
      select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
        (select count(*) from pg_class where relowner = r.oid) as owned from pg_roles r where rolname = current_user`
    expect(role).toEqual({
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      rolbypassrls: false,
      owned: 0,
    })
    for (const statement of [
      "create table mine (id int)",
      "create function mine() returns int language sql return 1",
      "create role mine",
      "alter table appointments drop constraint appointments_no_overlap",
      "alter table events disable trigger all",
      "drop table audit_log",
      "set role postgres",
      "copy accounts to program 'true'",
      "select pg_read_file('/etc/passwd')",
      "insert into migrations (name, checksum) values ('x', 'x')",
    ])
      expect([statement, await outcome(statement)]).toEqual([statement, DENIED])
  })

  test("cannot write the audit's chain itself, nor an event under an offset, a number or a time of its choice", async () => {
    for (const statement of [
      "insert into audit_log values (99, now(), '{}', '{}', '{}', '')",
      "insert into audit_log_0 values (99, now(), '{}', '{}', '{}', '')",
      "insert into audit_inbox (id, entry) overriding system value values (1, '{}')",
      "update audit_head set position = 0",
      "insert into audit_checkpoints values (9, '', now())",
      "insert into events (id, name, subject, rooms, data, \"offset\") values (gen_random_uuid(), 'x', 'x', '{}', '{}', 7)",
      "insert into events (id, name, subject, rooms, data, occurred_at) values (gen_random_uuid(), 'x', 'x', '{}', '{}', now())",
      "insert into events (seq, id, name, subject, rooms, data) overriding system value values (1, gen_random_uuid(), 'x', 'x', '{}', '{}')",
      "select audit_partition(1, 1)",
      "select add_event_partition(1000)",
      "create or replace function seal_audit(at_most integer, out sealed integer) language sql return 1",
    ])
      expect([statement, await outcome(statement)]).toEqual([statement, DENIED])
  })

  test("publishes an event by its offset alone, and what it then may let go is what the owner's function lets go", async () => {
    expect(await outcome(`update events set "offset" = 1`)).toBe("done")
    await database.pool`update event_log set head = 1`
    await database.pool`insert into work_cursor values (true, 1)`
    const drop = () => run`select drop_old_events(now() + interval '1000 days') as dropped`
    await endPartition(database.pool, run)
    expect(await drop()).toMatchObject([{ dropped: 0 }])
    await age(database.pool, 2)
    expect(await drop()).toMatchObject([{ dropped: 1 }])
    expect(await run`select drop_old_audit(now() + interval '1000 days') as dropped`).toMatchObject([{ dropped: 0 }])
  })

  test("has no row of the audit dropped that the owner still keeps, whatever it asks for", async () => {
    await using trail = await testTrail({ partitionRows: 10 })
    const { pool } = trail.database
    await trail.read(20)
    await trail.seal()
    await pool`update audit_log set sealed_at = sealed_at - interval '2 years'`
    const dropped = () => trail.run`select drop_old_audit(now() + interval '1000 days') as dropped`
    expect(await dropped()).toMatchObject([{ dropped: 0 }])
    for (const statement of [
      "update audit_retention set days = 366",
      "delete from audit_retention",
      "insert into audit_retention values (true, 366) on conflict (singleton) do update set days = 366",
    ])
      expect([statement, await outcome(statement, trail.run)]).toEqual([statement, DENIED])
    // Where the owner's word is missing, nothing goes.
    await expect(pool.begin((tx) => tx`delete from audit_retention`.then(() => tx`select drop_old_audit(now())`))).rejects.toThrow(
      "no rows",
    )
    await setAuditRetention(pool, 735)
    expect(await dropped()).toMatchObject([{ dropped: 0 }])
    await setAuditRetention(pool, 729)
    expect(await trail.run`select drop_old_audit(now() - interval '3 years') as dropped`).toMatchObject([{ dropped: 0 }])
    expect([await dropped(), await dropped()]).toMatchObject([[{ dropped: 10 }], [{ dropped: 10 }]])
    expect(await dropped()).toMatchObject([{ dropped: 0 }])
  })

  test("keeps the bounds on statements, locks and idle transactions", async () => {
    const [bounds] = await run`
      select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
        current_setting('idle_in_transaction_session_timeout') as idle`
    expect(bounds).toEqual({ statement: "10s", lock: "8s", idle: "1min" })
  })

  test("cannot smuggle its own functions or tables under the owner's functions", async () => {
    const definers = await run<{ proconfig: string[] }[]>`
      select proname, proconfig from pg_proc where prosecdef and pronamespace = 'public'::regnamespace`
    expect(definers.length).toBeGreaterThanOrEqual(5)
    for (const { proconfig } of definers) expect(proconfig[0]).toBe("search_path=public, pg_temp")
  })
})

describe("the migration's side", () => {
  test("makes the role with its password once, as a verifier; a second time changes nothing", async () => {
    const role = `run_${Bun.randomUUIDv7().slice(0, 8)}"'x`
    const url = Object.assign(new URL(database.url), {
      username: encodeURIComponent(role),
      password: encodeURIComponent("pä ss'word\""),
    }).href
    await Promise.all(Array.from({ length: 4 }, () => ensureRunRole(database.pool, url)))
    const pool = openPool(url, { max: 1, name: "test" })
    try {
      expect(await pool`select current_user as name`).toMatchObject([{ name: role }])
      expect(await outcome("delete from events", pool)).toBe(DENIED)
      const [kept] = await database.pool`select rolpassword as verifier from pg_authid where rolname = ${role}`
      expect(kept?.verifier).toStartWith("SCRAM-SHA-256$4096:")
    } finally {
      await pool.end()
      await database.pool.unsafe(`drop role ${'"'}${role.replaceAll('"', '""')}${'"'}`)
    }
  })

  test("makes the verifier that PostgreSQL makes", async () => {
    const [made] = await database.pool<{ verifier: string }[]>`
      select rolpassword as verifier from pg_authid where rolpassword like 'SCRAM%' and rolname = current_user`
    const password = decodeURIComponent(new URL(database.ownerUrl).password)
    // A server that trusts everybody keeps none.
    const theirs = made?.verifier ?? scramVerifier(password)
    const salt = Buffer.from(theirs.split(/[:$]/)[2] as string, "base64")
    expect(scramVerifier(password, salt)).toBe(theirs)
  })

  test("gives the role bounds of its own, which hold for whoever connects with it by any other means", async () => {
    const role = `run_${Bun.randomUUIDv7().slice(-12)}`
    const url = Object.assign(new URL(database.url), { username: role, password: "secret" }).href
    await ensureRunRole(database.pool, url)
    const plain = postgres(url, { max: 1 })
    try {
      const [bounds] = await plain`
        select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
          current_setting('idle_in_transaction_session_timeout') as idle`
      expect(bounds).toEqual({ statement: "10s", lock: "8s", idle: "1min" })
    } finally {
      await plain.end()
      await database.pool.unsafe(`drop role ${role}`)
    }
  })
})
