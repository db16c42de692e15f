import { expect, test } from "bun:test"
import { Locator } from "./locator.ts"
import { PageDraft } from "./page-draft.ts"
import { Records } from "./records.ts"

test("whoever is not in a page cannot be taken out of it: all is as before", () => {
  const records = new Records(1)
  const draft = new PageDraft(records, new Locator(records))
  expect(() => draft.remove(0)).toThrow("not in the leaf")
  expect([draft.places, draft.doctors, ...draft.starts]).toEqual(new Array(2 + draft.starts.length).fill(0))
})
