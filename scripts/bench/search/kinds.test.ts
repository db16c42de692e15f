import { expect, test } from "bun:test"
import { DoctorIndex, type NearQuery } from "../../../core/doctors/index/doctor-index.ts"
import { type SearchAnswer, SearchQuery } from "../../../core/doctors/search/schema.ts"
import { randomOf } from "../../demo/random.ts"
import { describeKinds, measureKinds } from "./index-kinds.ts"
import { worldOf } from "./index-world.ts"
import { type Kind, kindsOf, questionsOf } from "./kinds.ts"

const COUNT = 100
const world = worldOf(5_000)
const kinds = kindsOf(world)
const index = new DoctorIndex({ expected: world.length })
for (const doctor of world) index.add(doctor)
for (const _ of index.finish());

function kindOf(what: string): Kind {
  const kind = kinds.find((one) => one.what === what)
  if (!kind) throw new Error(`there is no kind ${what}`)
  return kind
}
const questions = (what: string, radiusKm = 500): NearQuery[] => questionsOf(kindOf(what), world, radiusKm, COUNT, randomOf(1, "desk"))
const totals = (what: string) => questions(what).map((q) => (JSON.parse(Buffer.from(index.search(q)).toString()) as SearchAnswer).total)
const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)

test("every kind asks what the endpoint takes, and asks it unchanged", () => {
  for (const { what } of kinds)
    for (const q of questions(what, 10)) {
      const texts = Object.fromEntries(Object.entries(q).map(([name, value]) => [name, String(value)]))
      expect(SearchQuery.parse(texts)).toEqual(q)
    }
})

test.each(["a specialization", "a whole name", "the commonest word of a name", "a clinic's whole name", "a city"])(
  "%s finds at least the doctor who bears it, and fewer than all",
  (what) => {
    const found = totals(what)
    expect(Math.min(...found)).toBeGreaterThanOrEqual(1)
    expect(sum(found)).toBeLessThan(sum(totals("nothing else")))
  },
)

test("of a name's words that one is asked which most doctors bear", () => {
  const bearers = (word: string) => world.filter(({ name }) => name.split(/[ .-]+/).includes(word)).length
  const { of } = kindOf("the commonest word of a name")
  const named = world.filter(({ name }) => /^\p{L}{3,} \p{L}{3,}$/u.test(name)).slice(0, COUNT)
  expect(named).toHaveLength(COUNT)
  for (const doctor of named) expect(bearers(of(doctor).name ?? "")).toBe(Math.max(...doctor.name.split(" ").map(bearers)))
})

test("what nobody has finds nobody; a misspelt name seldom finds anybody", () => {
  expect(sum(totals("`ananan`, which nobody is called"))).toBe(0)
  expect(sum(totals("a fee that nobody asks"))).toBe(0)
  expect(totals("a misspelt name").filter((total) => total > 0).length).toBeLessThan(COUNT / 10)
})

test("the page far down is the last one that may be asked for", () => {
  const [q] = questions("page 100 of 100 each") as [NearQuery]
  const texts = (page: number) => ({ latitude: "1", longitude: "1", page: String(page), limit: String(q.limit) })
  expect(SearchQuery.safeParse(texts(q.page)).success).toBe(true)
  expect(SearchQuery.safeParse(texts(q.page + 1)).success).toBe(false)
})

test("every kind is measured at both radii, and has its line", () => {
  const costs = measureKinds(index, world)
  for (const { byRadius } of costs) for (const times of byRadius) expect(Math.min(...times)).toBeGreaterThan(0)
  const lines = describeKinds(5_000, costs).split("\n")
  const columns = ["within 10 km, µs: p50 / p99 / longest", "within 500 km, µs: p50 / p99 / longest"]
  expect(lines[0]).toBe(`| 5,000 doctors: asked for beside a place | ${columns.join(" | ")} |`)
  for (const { byRadius } of costs) expect(byRadius.map(({ length }) => length)).toEqual([200, 200])
  expect(lines.slice(2).map((line) => line.split(" | ")[0])).toEqual(kinds.map(({ what }) => `| ${what}`))
})
