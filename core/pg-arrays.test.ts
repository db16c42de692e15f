import { expect, test } from "bun:test"
import fc from "fast-check"
import { testDatabase } from "../tests/harness/services.ts"
import { INT8 } from "./db.ts"

const text = fc.string({ unit: "binary" }).filter((s) => !s.includes("\0") && s.isWellFormed())

test("arrays of text come back from Postgres as they were sent", async () => {
  await using database = await testDatabase({ max: 1 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(text, fc.constantFrom("", "NULL", "{}", '"', "\\", "a,b", " "), fc.constant(null))),
      async (values) => {
        const [row] = await database.pool<{ values: (string | null)[]; n: number }[]>`
        select ${values as string[]}::text[] as values, cardinality(${values as string[]}::text[]) as n`
        expect(row).toEqual({ values, n: values.length })
      },
    ),
    { numRuns: 200 },
  )
})

test("arrays of numbers, instants and ids come back as their elements would", async () => {
  await using database = await testDatabase({ max: 1 })
  const { pool } = database
  const id = crypto.randomUUID()
  const [row] = await pool`
    select ${pool.array([2, 2 ** 40], INT8)} as int8s, '{1,2}'::int4[] as int4s, '{0.5,-1}'::float8[] as float8s, '{1.50}'::numeric[] as numerics,
      ${[id]}::uuid[] as ids, '{t,f}'::bool[] as bools, '{"2024-12-20T10:00:00Z"}'::timestamptz[] as instants, 5::int8 = any(${pool.array([5], INT8)}) as found`
  expect(row).toEqual({
    int8s: [2, 2 ** 40],
    int4s: [1, 2],
    float8s: [0.5, -1],
    numerics: [1.5],
    ids: [id],
    bools: [true, false],
    instants: [new Date("2024-12-20T10:00:00Z")],
    found: true,
  })
})
