import { expect, test } from "bun:test"
import { ChangeDoctor } from "../../../core/doctors/schema.ts"
import { haversineKm } from "../../../core/doctors/search/haversine.ts"
import { SearchQuery } from "../../../core/doctors/search/schema.ts"
import { Probe } from "./live-probe.ts"

const HERE = { latitude: 48.2, longitude: 16.4 }

test("changes go round: a name, a move, a leave and a return, each as the profile takes it", () => {
  const probe = new Probe("id", HERE)
  const changes = Array.from({ length: 8 }, () => probe.next())
  expect(changes.map(({ kind }) => kind)).toEqual(["name", "move", "leave", "return", "name", "move", "leave", "return"])
  for (const { body } of changes) expect(ChangeDoctor.parse(body) as object).toEqual(body)
  const fields = changes.map(({ body }) => Object.keys(body).join(" "))
  expect(fields.slice(0, 4)).toEqual(["name", "clinicLatitude clinicLongitude", "active", "active"])
  expect(fields.slice(4)).toEqual(fields.slice(0, 4))
})

test("a doctor is to be found where they are: by their new name, at the new place and not the old, nowhere once they have left", () => {
  const probe = new Probe("id", HERE)
  const after = Array.from({ length: 8 }, () => {
    const { kind } = probe.next()
    return [kind, probe.isAt(0), probe.isAt(1)]
  })
  expect(after).toEqual([
    ["name", true, false],
    ["move", false, true],
    ["leave", false, false],
    ["return", false, true],
    ["name", false, true],
    ["move", true, false],
    ["leave", false, false],
    ["return", true, false],
  ])
})

test("no change leaves what is to be found as it was before", () => {
  const probe = new Probe("id", HERE)
  const state = () => JSON.stringify([probe.searches().map(String), probe.isAt(0), probe.isAt(1)])
  let before = state()
  for (let n = 0; n < 12; n++) {
    probe.next()
    expect(state()).not.toBe(before)
    before = state()
  }
})

test.each([HERE, { latitude: -41.3, longitude: 179.99 }, { latitude: 0, longitude: -180 }])(
  "searches at one place do not reach the other: from %o",
  (place) => {
    const probe = new Probe("id", place)
    probe.next()
    const [here, there] = probe.searches().map((query) => SearchQuery.parse(Object.fromEntries(query))) as [SearchQuery, SearchQuery]
    const at = ({ latitude, longitude }: SearchQuery) => [latitude as number, longitude as number] as const
    expect(haversineKm(...at(here), ...at(there))).toBeGreaterThan(10 * here.radius)
    expect([here.name, here.radius]).toEqual(["Probe number 1 of the bench", there.radius])
  },
)
