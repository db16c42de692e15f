import { expect, test } from "bun:test"
import fc from "fast-check"
import { doctorAt, placeNear } from "../search/test-world.ts"
import { DoctorIndex, type IndexedDoctor, type NearQuery } from "./doctor-index.ts"
import { SlowSearches } from "./slow-searches.ts"
import { indexed, Oracle, queriesOf, textOf, worldOf } from "./test-oracle.ts"

/** Pauses at every look at the clock. */
const NO_TIME = -1
const MIDDLE = { latitude: 47, longitude: 15 }
const AROUND = { ...MIDDLE, radius: 500, page: 1, limit: 20 }

function indexOf(doctors: Iterable<IndexedDoctor>): DoctorIndex {
  const index = new DoctorIndex()
  for (const doctor of doctors) index.add(doctor)
  for (const _ of index.finish());
  return index
}

const someDoctors = (count: number): IndexedDoctor[] =>
  fc
    .sample(doctorAt(placeNear(MIDDLE, 200)), { numRuns: count, seed: 3 })
    .map((doctor) => ({ ...indexed({ ...doctor, id: Bun.randomUUIDv7() }), consultationFee: 1 }))

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? "").toString()

test("a search in slices finds what brute force does, and so do those that are made between its slices", () => {
  let pauses = 0
  fc.assert(
    fc.property(worldOf(500, 2_000), (world) => {
      const doctors = world.doctors.filter((d) => d.active).map((d) => indexed(d))
      const [index, oracle] = [indexOf(doctors), new Oracle()]
      for (const doctor of doctors) oracle.put(doctor)
      const queries = queriesOf(world, 30, world.seed)
      for (const [n, query] of queries.entries()) {
        const between = queries[(n * 7 + 1) % queries.length] as NearQuery
        const steps = index.searchSlowly(query, NO_TIME)
        let step = steps.next()
        for (; !step.done; step = steps.next()) {
          pauses++
          expect(textOf(index, between)).toBe(oracle.answer(between))
        }
        // What was found is the caller's own.
        index.search(between)
        expect(text(step.value)).toBe(oracle.answer(query))
      }
    }),
    { numRuns: 8 },
  )
  expect(pauses).toBeGreaterThan(100)
}, 60_000)

test("a search that would end too late says so, and the next one is right", () => {
  const index = indexOf(someDoctors(3_000))
  const rare = { ...AROUND, name: "nobody is called so" }
  expect(index.searchUntil(rare, performance.now() + NO_TIME)).toBeUndefined()
  expect(textOf(index, rare)).toContain('"total":0')
  expect(JSON.parse(textOf(index, AROUND)).data).toHaveLength(20)
})

test("whoever changes the index between slow searches changes it for none in part, and waits for one of them at most", async () => {
  const doctors = someDoctors(1_500)
  const index = indexOf(doctors)
  const searches = new SlowSearches()
  let [fee, version, ended] = [1, 1, 0]
  const inOneSlice = { searchSlowly: (query: NearQuery) => index.searchSlowly(query, NO_TIME) }
  const search = async () => {
    const bytes = await searches.search(() => inOneSlice, { ...AROUND, minFee: 2, maxFee: 2 })
    ended++
    return JSON.parse(text(bytes)).total as number
  }
  const isRunning = () => searches.isRunning
  const answers = Array.from({ length: 12 }, search)
  const waited: number[] = []
  for (let n = 0; n < 6; n++) {
    // In the midst of one.
    while (!isRunning()) await new Promise((resolve) => setImmediate(resolve))
    const before = ended
    await searches.untilNone()
    waited.push(ended - before)
    expect(isRunning()).toBe(false)
    fee = fee === 1 ? 2 : 1
    version++
    for (const doctor of doctors) index.upsert({ ...doctor, version, consultationFee: fee })
  }
  const totals = await Promise.all(answers)
  expect(new Set(totals)).toEqual(new Set([0, 1_000]))
  expect(Math.max(...waited)).toBeLessThanOrEqual(1)
})

test("of slow searches a bounded number waits, and one that fails does not hold up the next", async () => {
  const index = indexOf(someDoctors(200))
  const searches = new SlowSearches()
  const failing = searches.search(() => {
    throw new Error("a bug")
  }, AROUND)
  const others = [failing.catch((error: Error) => error.message)]
  while (searches.hasRoom) others.push(searches.search(() => index, AROUND).then(text))
  expect(others.length).toBe(32)
  const [first, ...rest] = await Promise.all(others)
  expect(first).toBe("a bug")
  expect(new Set(rest)).toEqual(new Set([textOf(index, AROUND)]))
  expect(await searches.search(() => undefined, AROUND)).toBeUndefined()
  expect([searches.hasRoom, searches.isRunning, searches.count]).toEqual([true, false, 33])
})

test("others are served while a search goes through very many", async () => {
  // Each name has all letters and pairs of what is asked for, so that each has to be read.
  const doctors = someDoctors(300).map((doctor) => ({ ...doctor, name: "Bananabanana Ananabanan".repeat(8) }))
  const index = indexOf(Array.from({ length: 60_000 }, (_, n) => ({ ...(doctors[n % 300] as IndexedDoctor), id: Bun.randomUUIDv7() })))
  const searches = new SlowSearches()
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  const bytes = await searches.search(() => index, { ...AROUND, name: "nabanabanabanabanabana" })
  clearInterval(timer)
  expect(text(bytes)).toContain('"total":0')
  expect(turns).toBeGreaterThan(3)
}, 30_000)
