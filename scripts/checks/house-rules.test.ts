import { expect, test } from "bun:test"
import { findBreaches } from "./house-rules.ts"

const breaches = (path: string, text: string) => findBreaches([{ path, text }])

test("a statement outside queries.ts is found, with its line", () => {
  const select = "const n = 1\nawait db`\n  select id from doctors`"
  expect(breaches("core/doctors/book.ts", select)).toEqual(["core/doctors/book.ts:2 SQL stands in sql/*.sql and in files named queries.ts"])
  for (const statement of [
    "insert into events (id) values (1)",
    "update doctors set fee = 1",
    "delete from doctors",
    "with a as (select 1) select 1",
  ])
    expect(breaches("api/doctors.ts", `await db\`${statement}\``)).toHaveLength(1)
  expect(breaches("worker/jobs/x.ts", "await db.unsafe(text)")).toHaveLength(1)
})

test("statements in queries.ts, in tests and in scripts, and English sentences, are left alone", () => {
  for (const path of ["core/doctors/queries.ts", "core/doctors/book.test.ts", "scripts/seed.ts", "tests/journey.test.ts"])
    expect(breaches(path, "await db`select 1 from doctors`")).toEqual([])
  expect(breaches("core/doctors/book.ts", 'const hint = "update your profile first"; const other = "select a slot"')).toEqual([])
})

test("the environment read anywhere but in config.ts and main.ts is found", () => {
  for (const reading of ["process.env.PORT", "Bun.env.PORT", "import.meta.env"]) expect(breaches("core/redis.ts", reading)).toHaveLength(1)
  for (const path of ["core/config.ts", "api/main.ts", "scripts/dev.ts", "core/redis.test.ts"])
    expect(breaches(path, "process.env.PORT")).toEqual([])
})

test("a test that is skipped, left to do or run alone is found", () => {
  for (const kind of ["only", "skip", "todo", "skipIf"])
    expect(breaches("core/redis.test.ts", `test.${kind}("x", () => {})`)).toHaveLength(1)
})

test("a silenced type checker and a note to do something later are found", () => {
  expect(breaches("core/redis.ts", "// @ts-ignore\n")).toHaveLength(1)
  expect(breaches("core/redis.ts", "// TODO: later\n")).toHaveLength(1)
})
