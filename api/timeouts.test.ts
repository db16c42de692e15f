/** What callers hear when Postgres gives up what it is asked: for a lock that is not free in time, or since it takes too long. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { openPool, SESSION_BOUNDS } from "../core/db.ts"
import { type TestApi, testApi } from "../tests/harness/api.ts"
import { type Cast, castOf, visit } from "../tests/harness/cast.ts"
import { digestOf } from "../tests/harness/contents.ts"
import { everyRoute, type RouteCall } from "../tests/harness/every-route.ts"
import { ANSWERED_WITHIN_MS } from "./deadline.ts"

/** Short, so that the test is; their order is that of a process that is deployed. */
const [LOCK_MS, STATEMENT_MS] = [300, 1_500]
const SLOW_S = 2 * (STATEMENT_MS / 1_000)
/** Whatever the routes write to, but for what the audit of a reading needs. */
const TABLES = "accounts, clinics, patients, doctors, receptionists, appointments, payments, clinic_queues, queue_entries, idempotency_keys"

let api: TestApi
let cast: Cast
beforeAll(async () => {
  api = await testApi({}, { lock_timeout: String(LOCK_MS), statement_timeout: String(STATEMENT_MS) })
  cast = await castOf(api)
}, 30_000)
afterAll(() => api[Symbol.asyncDispose]())

/** Does the work while another session is in a transaction that has done `statement`. */
async function whileHeld<T>(statement: string, work: () => Promise<T>): Promise<T> {
  const holder = await api.database.pool.reserve()
  await holder`begin`
  try {
    await holder.unsafe(statement)
    return await work()
  } finally {
    await holder`rollback`
    holder.release()
  }
}

const isWrite = ({ name }: RouteCall) => !name.startsWith("GET ")

test("a row that another holds for longer than the lock timeout costs a change 503 with Retry-After, and nothing is written", async () => {
  const id = await visit(cast)
  const change = () => cast.of("desk").put(`/appointments/${id}`, { status: "CONFIRMED" })
  const before = await digestOf(api.database.pool)
  const { status, headers } = await whileHeld(`select from appointments where id = '${id}' for update`, change)
  expect([status, Number(headers.get("retry-after")) >= 1]).toEqual([503, true])
  expect(await digestOf(api.database.pool)).toEqual(before)
  expect((await change()).status).toBe(200)
})

test("so it is for every route that writes, whatever table is held; reads go on", async () => {
  const calls = await Array.fromAsync(everyRoute(cast))
  const before = await digestOf(api.database.pool)
  const answers = await whileHeld(`lock table ${TABLES} in share row exclusive mode`, () =>
    Promise.all(calls.map(async (call) => ({ call, answer: await call.send() }))),
  )
  for (const { call, answer } of answers) {
    expect([call.name, answer.status]).toEqual([call.name, isWrite(call) ? 503 : call.status])
    if (isWrite(call)) expect([call.name, Number(answer.headers.get("retry-after")) >= 1]).toEqual([call.name, true])
  }
  expect(await digestOf(api.database.pool)).toEqual(before)
}, 20_000)

test("a statement that takes longer than the statement timeout is 503 with Retry-After, and nothing is written", async () => {
  const { pool } = api.database
  await pool.unsafe(`
    create function be_slow() returns trigger language plpgsql as $$ begin perform pg_sleep(${SLOW_S}); return new; end $$;
    create trigger slow before insert or update on appointments for each row execute function be_slow()`)
  const before = await digestOf(pool)
  const input = { doctorId: cast.doctorId, scheduledAt: cast.slot() }
  const book = () => cast.of("patient").post("/appointments", input)
  const { status, headers } = await book()
  expect([status, Number(headers.get("retry-after")) >= 1]).toEqual([503, true])
  expect(await digestOf(pool)).toEqual(before)
  await pool`drop trigger slow on appointments`
  expect((await book()).status).toBe(201)
  await pool`alter table appointments rename to quick_appointments`
  await pool.unsafe(`create view appointments as select * from quick_appointments where (select pg_sleep(${SLOW_S})) is not null`)
  await pool`grant select on appointments to pulsecal_app`
  const read = await cast.of("patient").get("/appointments")
  expect([read.status, Number(read.headers.get("retry-after")) >= 1]).toEqual([503, true])
}, 20_000)

test("a lock is given up before the statement that waits for it, and that before the call's own deadline, in every session of a process", async () => {
  const pool = openPool(api.database.url, { max: 1, name: "test" })
  const ms = async (name: string) => Number((await pool`select setting from pg_settings where name = ${name}`)[0]?.setting)
  const [lock, statement] = [await ms("lock_timeout"), await ms("statement_timeout")]
  await pool.end()
  expect([`${lock}ms`, `${statement}ms`]).toEqual([SESSION_BOUNDS.lock, SESSION_BOUNDS.statement])
  expect([0, lock, statement, ANSWERED_WITHIN_MS]).toEqual([0, lock, statement, ANSWERED_WITHIN_MS].toSorted((a, b) => a - b))
  expect(new Set([0, lock, statement, ANSWERED_WITHIN_MS]).size).toBe(4)
})
