/** What the role of the processes may do: every table and statement is tried. A table, sequence or function that is not told of here fails. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestDatabase, testDatabase } from "../../tests/harness/services.ts"
import { openPool, type Pool } from "../db.ts"
import { announce } from "../events/log.ts"

/** Columns, or all of them. */
type Columns = readonly string[] | "all" | "none"
type Expected = { select: boolean; insert: Columns; update: Columns; delete: boolean }

const READ: Expected = { select: true, insert: "none", update: "none", delete: false }
/** People, visits and money: never deleted. */
const KEPT: Expected = { ...READ, insert: "all", update: "all" }
/** What is done with when it is done. */
const PASSING: Expected = { ...KEPT, delete: true }
/** Of a partition nothing: it is reached through its table. */
const NOTHING: Expected = { ...READ, select: false }

const TABLES: Record<string, Expected> = {
  accounts: KEPT,
  clinics: KEPT,
  patients: KEPT,
  doctors: KEPT,
  searchable_doctors: READ,
  receptionists: KEPT,
  appointments: KEPT,
  payments: KEPT,
  clinic_queues: KEPT,
  visits: KEPT,
  doctor_paces: KEPT,
  doctor_rollups: KEPT,
  schedule_runs: KEPT,
  work_cursor: KEPT,
  queue_entries: PASSING,
  doctor_days: PASSING,
  rollups_due: PASSING,
  reminders_sent: PASSING,
  idempotency_keys: PASSING,
  events: { ...READ, insert: ["id", "name", "subject", "rooms", "data"], update: ["offset"] },
  room_events: { ...READ, insert: "all" },
  event_log: { ...READ, update: ["head"] },
  event_partitions: READ,
  audit_inbox: { ...NOTHING, insert: ["entry"] },
  audit_log: READ,
  audit_subjects: READ,
  audit_head: READ,
  audit_checkpoints: READ,
  audit_retention: READ,
  migrations: READ,
}
const PARTITIONS = [/^events_(waiting|published|from_\d+)$/, /^room_events_from_\d+$/, /^audit_(log|subjects)_\d+$/]
/** It draws from this one by name; identities need no grant. */
const SEQUENCES_USED = ["queue_places"]
/** The owner's work that it may have done, and no other. */
const LENT = ["analyze_hot_tables", "drop_old_audit", "drop_old_events", "make_event_partitions", "seal_audit"]
/** Of the owner alone, or of a trigger. */
const UNLENT = [
  "add_event_partition",
  "audit_partition",
  "list_changed_doctor",
  "list_new_doctors",
  "note_listed_version",
  "unlist_doctors",
]

const DENIED = "42501"

let database: TestDatabase
let run: Pool
let tables: { name: string; columns: string[] }[]
beforeAll(async () => {
  database = await testDatabase()
  run = openPool(database.url, { max: 2, name: "test" })
  await announce(run, { name: "access:changed", data: { uid: "x" }, about: { uid: "x" } })
  await run`insert into audit_inbox (entry) values ('{"ids": []}')`
  await run`select seal_audit(10)`
  tables = await database.pool<{ name: string; columns: string[] }[]>`
    select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') group by 1 order by 1`
})
afterAll(async () => {
  await run.end()
  await database[Symbol.asyncDispose]()
})

const quoted = (name: string) => `"${name}"`
const expectedOf = (name: string) => TABLES[name] ?? (PARTITIONS.some((pattern) => pattern.test(name)) ? NOTHING : undefined)
const covers = (columns: Columns, column: string) => columns === "all" || (columns !== "none" && columns.includes(column))

class Undone extends Error {}

/** Whether the role may: anything but a refusal for want of a privilege means that it might. Nothing of it stays. */
async function may(statement: string): Promise<boolean> {
  const code = await run
    .begin(async (tx) => {
      await tx.unsafe(statement)
      throw new Undone()
    })
    .catch((error: { code?: string }) => error.code)
  return code !== DENIED
}

test("every table is told of, and none that is not there", () => {
  expect(tables.filter(({ name }) => !expectedOf(name)).map(({ name }) => name)).toEqual([])
  expect(Object.keys(TABLES).filter((name) => !tables.some((table) => table.name === name))).toEqual([])
  for (const pattern of PARTITIONS) expect(tables.some(({ name }) => pattern.test(name))).toBe(true)
})

test("of every table and column it may read, add, change and delete what it is told it may, and nothing else", async () => {
  for (const { name, columns } of tables) {
    const expected = expectedOf(name) as Expected
    const tried: Record<string, boolean> = {}
    const wanted: Record<string, boolean> = {}
    const attempt = async (statement: string, allowed: boolean) => {
      tried[statement] = await may(statement)
      wanted[statement] = allowed
    }
    await attempt(`select * from ${quoted(name)} limit 1`, expected.select)
    await attempt(`delete from ${quoted(name)} where false`, expected.delete)
    for (const column of columns) {
      await attempt(`select ${quoted(column)} from ${quoted(name)} limit 1`, expected.select)
      await attempt(`insert into ${quoted(name)} (${quoted(column)}) values (default)`, covers(expected.insert, column))
      await attempt(`update ${quoted(name)} set ${quoted(column)} = default where false`, covers(expected.update, column))
    }
    expect(tried).toEqual(wanted)
  }
})

test("no table can be emptied, altered, dropped, detached, hooked, copied over or given away", async () => {
  for (const { name } of tables) {
    const parent = /^events_(from_\d+)$/.test(name) ? "events_published" : name.replace(/_(from_\d+|waiting|published|\d+)$/, "")
    // To grant what one has not got is no error, only nothing: what counts is that nobody has it.
    for (const statement of [
      `truncate ${quoted(name)}`,
      `drop table ${quoted(name)}`,
      `alter table ${quoted(name)} add column smuggled int`,
      `alter table ${quoted(name)} rename to gone`,
      `alter table ${quoted(name)} disable trigger all`,
      `alter table ${quoted(name)} enable row level security`,
      `alter table ${quoted(name)} owner to current_user`,
      `alter table ${quoted(parent)} detach partition ${quoted(name)}`,
      `create trigger hook before insert on ${quoted(name)} for each row execute function suppress_redundant_updates_trigger()`,
      `create rule hook as on insert to ${quoted(name)} do instead nothing`,
      `create index on ${quoted(name)} ((1))`,
      `grant all on ${quoted(name)} to public`,
      `cluster ${quoted(name)}`,
    ])
      expect([statement, statement.startsWith("grant") ? await grants(name) : await may(statement)]).toEqual([statement, false])
  }
})

/** Whether anybody has got more by a grant that was tried. */
async function grants(name: string): Promise<boolean> {
  await run.unsafe(`grant all on ${quoted(name)} to public`).catch(() => {})
  const [row] = await database.pool`
    select coalesce((select bool_or(acl.grantee = 0) from aclexplode(relacl) acl), false) as public from pg_class where oid = ${name}::regclass`
  return row?.public as boolean
}

test("no sequence can be set back, and one alone is drawn from by name", async () => {
  const sequences = await database.pool<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'S' order by 1`
  expect(sequences.length).toBeGreaterThan(2)
  for (const { name } of sequences) {
    expect([name, await may(`select setval('${name}', 1)`)]).toEqual([name, false])
    expect([name, await may(`select nextval('${name}')`)]).toEqual([name, SEQUENCES_USED.includes(name)])
  }
})

test("of the owner's functions it may call those it is lent, and those of the owner alone it may not", async () => {
  const functions = await database.pool<{ name: string; definer: boolean; may: boolean; ours: boolean }[]>`
    select p.proname as name, p.prosecdef as definer, has_function_privilege('pulsecal_app', p.oid, 'execute') as may
    from pg_proc p where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e') order by 1`
  expect(functions.filter((f) => f.definer && f.may).map((f) => f.name)).toEqual(LENT)
  expect(functions.filter((f) => !f.may).map((f) => f.name)).toEqual(UNLENT)
})
