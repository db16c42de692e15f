/**
 * A hundred thousand requests made from the API's own description, by everyone, to every route, on many connections at once.
 * `FUZZ_SEED` repeats a run, as far as rivals let it; `FUZZ_REQUESTS` makes it longer.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { request } from "../harness/api.ts"
import { Campaign } from "./campaign.ts"
import { type Target, target } from "./target.ts"
import { type World, worldOf } from "./world.ts"

const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 100_000)
/** After these, caches are as full as they get and the garbage collector has found its pace. */
const WARM_UP = Math.floor(REQUESTS / 4)
/** What the caches may still take for some ten thousand more callers, and no more. A leak of 1 kB a request would be 75 MB. */
const HEAP_GROWTH_MAX_BYTES = 40 * 1024 * 1024
const RESIDENT_GROWTH_MAX_BYTES = 160 * 1024 * 1024
/** Two quiet cores take about a minute. */
const FUZZ_TIMEOUT_MS = 285_000

let api: Target
let world: World
beforeAll(async () => {
  api = await target()
  world = await worldOf(api)
}, 60_000)
afterAll(() => api[Symbol.asyncDispose]())

const mib = (bytes: number) => Math.round(bytes / 2 ** 20)

/** The keys of which this never happened. */
const never = (counts: Campaign["byCaller"], what: "succeeded" | "refused") =>
  [...counts].filter(([, of]) => of[what] === 0).map(([key]) => key)

test(
  "whatever is sent: no 500, no hang, no insides, nobody else's data, nothing undescribed, no memory kept",
  async () => {
    console.log(`fuzz: FUZZ_SEED=${SEED} FUZZ_REQUESTS=${REQUESTS}`)
    const { body: document } = await request(`${api.url}/openapi.json`)
    const campaign = new Campaign(api, world, document, SEED)
    const before = await world.victim.state()
    const start = performance.now()
    await campaign.run(WARM_UP)
    const warm = await api.memory()
    await campaign.run(REQUESTS)
    const end = await api.memory()
    const seconds = (performance.now() - start) / 1000
    const { answered, faults, byOperation, byCaller } = campaign
    console.log(`fuzz: ${answered} answered in ${seconds.toFixed(1)} s, ${Math.round(answered / seconds)}/s`)
    const growth = (of: "heapBytes" | "residentBytes") => `${mib(warm[of])} → ${mib(end[of])} MiB`
    console.log(`fuzz: heap ${growth("heapBytes")}, resident ${growth("residentBytes")}`)
    expect(faults.join("\n\n")).toBe("")
    // Both stores are there all the time, and so few connections overload nothing.
    expect(campaign.unavailable).toBe(0)
    expect(answered).toBeGreaterThanOrEqual(REQUESTS)
    // It gets inside: every operation did its work for somebody and everybody was let in somewhere and turned away elsewhere.
    expect(byOperation.size).toBe(Object.values(document.paths as object).flatMap((methods) => Object.keys(methods)).length)
    expect(never(byOperation, "succeeded")).toEqual([])
    expect([...never(byCaller, "succeeded"), ...never(byCaller, "refused")]).toEqual([])
    expect(end.heapBytes - warm.heapBytes).toBeLessThan(HEAP_GROWTH_MAX_BYTES)
    expect(end.residentBytes - warm.residentBytes).toBeLessThan(RESIDENT_GROWTH_MAX_BYTES)
    expect(await world.victim.state()).toBe(before)
    expect(api.isRunning()).toBe(true)
    expect(await api.log()).toBe("")
  },
  FUZZ_TIMEOUT_MS,
)
