import { expect, test } from "bun:test"
import { SearchQuery } from "../../core/doctors/search/schema.ts"
import { searches } from "./searches.ts"

const all = searches(2_000)
const queryOf = (path: string) => Object.fromEntries(new URL(path, "http://localhost").searchParams)

test("every search of the mix is one that the API takes", () => {
  for (const path of all) expect(SearchQuery.safeParse(queryOf(path)).success).toBe(true)
})

test("the mix has every parameter of the search but limit and minFee, and is the same at every run", () => {
  const named = new Set(all.flatMap((path) => Object.keys(queryOf(path))))
  expect([...named].sort()).toEqual(["city", "clinicName", "latitude", "longitude", "maxFee", "name", "page", "radius", "specialization"])
  expect(searches(2_000)).toEqual(all)
})
