import { afterAll, beforeAll, expect, test } from "bun:test"
import { parseSeries, valueIn } from "../../tests/harness/metrics.ts"
import { type TestDatabase, testDatabase, until } from "../../tests/harness/services.ts"
import type { Pool } from "../db.ts"
import { Metrics } from "./metrics.ts"
import { PoolMeters } from "./pool.ts"

const MAX = 3
let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase({ max: MAX })
})
afterAll(() => database[Symbol.asyncDispose]())

function measured(): { pool: Pool; use: () => Promise<(number | undefined)[]>; answered: () => Promise<number | undefined> } {
  const metrics = new Metrics("api", "1")
  const pool = new PoolMeters(metrics).measure(database.pool, { name: "api", max: MAX })
  const label = { db_client_connection_pool_name: "api" }
  return {
    pool,
    use: async () => {
      const series = parseSeries(await metrics.text())
      return ["count", "pending_requests", "max"].map((what) => valueIn(series, `db_client_connection_${what}`, label))
    },
    answered: async () => valueIn(parseSeries(await metrics.text()), "db_client_operation_duration_seconds_count"),
  }
}

test("queries under way have connections, up to as many as there are, and the rest wait", async () => {
  const { pool, use, answered } = measured()
  expect(await use()).toEqual([0, 0, MAX])
  const queries = Array.from({ length: 5 }, () => pool`select pg_sleep(0.2)`.execute())
  await until("all are handed over", async () => (await use())[0] === MAX)
  expect(await use()).toEqual([3, 2, MAX])
  await Promise.all(queries)
  expect([await use(), await answered()]).toEqual([[0, 0, MAX], 5])
})

test("a transaction has a connection until it is over, however it ends", async () => {
  const { pool, use } = measured()
  const gate = Promise.withResolvers<void>()
  const transactions = [0, 1].map((fail) =>
    pool.begin(async (tx) => {
      const [row] = await tx<{ two: number }[]>`select 1 + 1 as two`
      await gate.promise
      if (fail) throw new Error("rolled back")
      return row?.two
    }),
  )
  const ends = Promise.allSettled(transactions)
  expect(await use()).toEqual([2, 0, MAX])
  gate.resolve()
  expect(await ends).toEqual([
    { status: "fulfilled", value: 2 },
    { status: "rejected", reason: new Error("rolled back") },
  ])
  expect(await use()).toEqual([0, 0, MAX])
})

test("a query that fails is over, a fragment of a query is none, and what is asked of the pool is answered as before", async () => {
  const { pool, use, answered } = measured()
  await expect(pool`select 1 / 0`.execute()).rejects.toThrow("division by zero")
  const rows = await pool`select ${pool.array(["a", "b"])}::text[] as letters, ${pool`1 + 1`} as two`
  expect([...rows]).toEqual([{ letters: ["a", "b"], two: 2 }])
  expect([await use(), await answered()]).toEqual([[0, 0, MAX], 2])
})

test("a query whose text was put together counts as any other", async () => {
  const { pool, use, answered } = measured()
  const [row] = await pool.unsafe("select $1::int + 1", [1], { prepare: true }).values()
  expect([row, await use(), await answered()]).toEqual([[2], [0, 0, MAX], 1])
})

test("two pools of a process are told apart", async () => {
  const metrics = new Metrics("api", "1")
  const meters = new PoolMeters(metrics)
  const pools = ["one", "two"].map((name, n) => ({ name, pool: meters.measure(database.pool, { name, max: n + 1 }) }))
  const gate = Promise.withResolvers<void>()
  const held = pools[1]?.pool.begin(() => gate.promise)
  const series = parseSeries(await metrics.text())
  const figures = pools.map(({ name }) =>
    ["max", "count"].map((what) => valueIn(series, `db_client_connection_${what}`, { db_client_connection_pool_name: name })),
  )
  expect(figures).toEqual([
    [1, 0],
    [2, 1],
  ])
  gate.resolve()
  await held
})

test("a query awaited twice, or never, counts once, or not at all", async () => {
  const { pool, use, answered } = measured()
  const query = pool`select 1`
  await Promise.all([query, query])
  void pool`select 2`
  expect([await use(), await answered()]).toEqual([[0, 0, MAX], 1])
})

test("queries of a connection that breaks are over too", async () => {
  const { pool, use } = measured()
  const sleeping = Promise.allSettled([pool`select pg_sleep(5), 'sleeper'`.execute(), pool`select pg_sleep(5), 'sleeper'`.execute()])
  await until("they run", async () => (await use())[0] === 2)
  await until("they are cut", async () => {
    const cut = await database.pool`
      select pg_terminate_backend(pid) from pg_stat_activity where query like '%''sleeper''%' and pid <> pg_backend_pid() and state = 'active'`
    return cut.length > 0
  })
  await until("all are over", async () => (await use())[0] === 0)
  expect((await sleeping).map((s) => s.status)).toEqual(["rejected", "rejected"])
})
