import { expect, test } from "bun:test"
import { planSearch } from "./plan.ts"
import { SearchQuery } from "./schema.ts"

const NEAR = "latitude=48.2&longitude=16.4"
const parsed = (query: string) => SearchQuery.parse(Object.fromEntries(new URLSearchParams(query)))
const pathOf = (query: string, indexed: boolean) => planSearch(parsed(query), indexed).path

test.each([
  "",
  "&radius=500",
  "&name=anna&radius=500",
  "&clinicName=harbour&radius=500",
  "&city=vienna&specialization=cardiology",
  "&page=100&limit=100",
])("a search around a position is served from memory once that holds the doctors, whatever else it asks: %p", (rest) => {
  expect(planSearch(parsed(NEAR + rest), true)).toEqual({ path: "index", near: parsed(NEAR + rest) as never })
})

test.each(["", "name=anna", "city=vienna", "radius=500"])("without a position SQL lists by name, index or not: %p", (query) => {
  expect([pathOf(query, true), pathOf(query, false)]).toEqual(["sql-listing", "sql-listing"])
})

test("by SQL, a name is the way in only where the disk is wide, and only with three letters or digits in a row", () => {
  const bySql = (rest: string) => pathOf(`${NEAR}&${rest}`, false)
  for (const part of [
    "name=anna",
    "clinicName=harbour",
    "name=o&clinicName=harbour",
    "name=Łuk",
    "name=%E6%9D%B1%E4%BA%AC%E9%83%BD",
    "name=4th",
  ]) {
    expect([part, bySql(`${part}&radius=26`)]).toEqual([part, "sql-near-named"])
    expect([part, bySql(`${part}&radius=25`)]).toEqual([part, "sql-near"])
  }
  for (const rest of ["name=an", "name=o'n", "clinicName=%25%25%25", "city=vienna", "specialization=cardiology", "minFee=1"])
    expect([rest, bySql(`${rest}&radius=500`)]).toEqual([rest, "sql-near"])
})
