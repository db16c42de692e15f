/** Thousands of doctors where one search looks: at one place, or at places as near that only the exact distance tells. */
import { expect, test } from "bun:test"
import fc from "fast-check"
import { doctorAt, type Place } from "../search/test-world.ts"
import { DoctorIndex, type IndexedDoctor, type NearQuery } from "./doctor-index.ts"
import { Records } from "./records.ts"
import { indexed, Oracle, textOf } from "./test-oracle.ts"

const PLACE = { latitude: 52.5, longitude: 13.4 }
/** Pauses at every look at the clock. */
const NO_TIME = -1
const LIMIT = 100
const TIMEOUT_MS = 60_000

function idsOf(count: number): string[] {
  // All digits that a double holds are the same, and no order is that of coming.
  return Array.from({ length: count }, (_, n) => `01890000-0000-7000-8000-${((n * 7_919) % count).toString(16).padStart(12, "0")}`)
}

function doctorsAt(places: readonly Place[], count: number): IndexedDoctor[] {
  const some = fc.sample(fc.noBias(doctorAt(fc.constantFrom(...places))), { numRuns: count, seed: 11 })
  const ids = idsOf(count)
  return some.map((doctor, n) => indexed(n % 2 ? doctor : { ...doctor, id: ids[n] as string }))
}

function both(doctors: readonly IndexedDoctor[]): { index: DoctorIndex; oracle: Oracle } {
  const [index, oracle] = [new DoctorIndex(), new Oracle()]
  for (const doctor of doctors) {
    index.add(doctor)
    oracle.put(doctor)
  }
  for (const _ of index.finish());
  return { index, oracle }
}

function inSlices(index: DoctorIndex, query: NearQuery): { answer: string; slices: number } {
  const steps = index.searchSlowly(query, NO_TIME)
  let slices = 1
  for (let step = steps.next(); ; step = steps.next(), slices++)
    if (step.done) return { answer: Buffer.from(step.value).toString(), slices }
}

const FILTERS: Partial<NearQuery>[] = [
  {},
  { specialization: "cardiology" },
  { city: "paris" },
  { minFee: 50, maxFee: 100 },
  { name: "a" },
  { name: "ada", clinicName: "o" },
  { specialization: "dermatology", name: "ada", maxFee: 99.99 },
]

/** All pages at once and in slices, without filters; of each filter some. */
function expectSamePages(index: DoctorIndex, oracle: Oracle, from: Place): void {
  const pages = Math.ceil(oracle.held.size / LIMIT) + 1
  for (const [n, filter] of FILTERS.entries())
    for (let page = 1; page <= pages; page += n === 0 ? 1 : 9) {
      const query = { ...from, ...filter, radius: 5, page, limit: LIMIT - n }
      const wanted = oracle.answer(query)
      expect(textOf(index, query)).toBe(wanted)
      expect(inSlices(index, query).answer).toBe(wanted)
    }
}

test(
  "thousands at one place are answered as brute force does, on every page and with every filter, also after they have changed, moved and left",
  () => {
    const doctors = doctorsAt([PLACE], 3_000)
    const { index, oracle } = both(doctors)
    const [besides, elsewhere] = [
      { ...PLACE, latitude: 52.51 },
      { clinicLatitude: 52.49, clinicLongitude: 13.41 },
    ]
    expectSamePages(index, oracle, PLACE)
    expectSamePages(index, oracle, besides)
    for (const [n, doctor] of doctors.entries()) {
      const fresh = {
        ...doctor,
        version: 2,
        ...(n % 5 === 0 ? elsewhere : {}),
        ...(n % 5 === 1 ? { consultationFee: 75, name: "Ada Ada" } : {}),
      }
      if (n % 5 === 2) {
        index.remove(doctor.id, 2)
        oracle.held.delete(doctor.id)
      } else if (n % 5 < 2) {
        index.upsert(fresh)
        oracle.put(fresh)
      }
    }
    while (index.maintain(1));
    expectSamePages(index, oracle, besides)
    for (const [n, doctor] of doctors.entries()) {
      if (n % 5 !== 0) continue
      index.upsert({ ...doctor, version: 3 })
      oracle.put({ ...doctor, version: 3 })
    }
    expectSamePages(index, oracle, PLACE)
  },
  TIMEOUT_MS,
)

test(
  "thousands at some places that are too near each other to tell by the chord are answered as brute force does, on every page",
  () => {
    // Within a metre of where is searched from, and on both sides of it.
    const step = 0.000_002
    const places = [-2, -1, 0, 1, 2].flatMap((north) =>
      [-2, -1, 0, 1, 2].map((east) => ({ latitude: PLACE.latitude + north * step, longitude: PLACE.longitude + east * step })),
    )
    const mirrored = [0.01, -0.01].map((east) => ({ ...PLACE, longitude: PLACE.longitude + east }))
    for (const world of [places, mirrored, [...places, ...mirrored]]) {
      const { index, oracle } = both(doctorsAt(world, 2_500))
      expectSamePages(index, oracle, PLACE)
    }
  },
  TIMEOUT_MS,
)

/** A tenth of a millisecond of each: comparisons of ids, and memory to be written, in words. */
const COMPARED_MAX = 2_500
const WORDS_MAX = 128 * 1024
/** A page of twenty needs no more, however many are at the place. */
const FIRST_PAGE_WORDS_MAX = 4_096

type Work = { compared: number; words: number }

/** Counts, by slice, how often two ids are compared and what memory is taken. */
function workOf(slices: Iterable<unknown>): Work[] {
  const done: Work[] = []
  let work: Work = { compared: 0, words: 0 }
  const constructors = { Int32Array, Float64Array }
  const { idBefore } = Records.prototype
  for (const [name, made] of Object.entries(constructors)) {
    const construct = (target: typeof made, args: [number]) => {
      if (typeof args[0] === "number") work.words += args[0] * (made.BYTES_PER_ELEMENT / Int32Array.BYTES_PER_ELEMENT)
      return Reflect.construct(target, args)
    }
    Object.assign(globalThis, { [name]: new Proxy(made, { construct } as ProxyHandler<typeof made>) })
  }
  Records.prototype.idBefore = function (...slots) {
    work.compared++
    return idBefore.apply(this, slots)
  }
  try {
    for (const _ of slices) {
      done.push(work)
      work = { compared: 0, words: 0 }
    }
  } finally {
    Object.assign(globalThis, constructors)
    Object.assign(Records.prototype, { idBefore })
  }
  return [...done, work]
}

test(
  "beside 20,000 doctors at one place no slice of a search does more than a bounded amount, and a page of 20 takes no more memory than elsewhere",
  () => {
    const [someone] = doctorsAt([PLACE], 1) as [IndexedDoctor]
    const index = new DoctorIndex()
    // Each of them has to be compared: where digits begin to differ no double holds them.
    for (const id of idsOf(20_000)) index.add({ ...someone, id })
    for (const _ of index.finish());
    const around = { ...PLACE, latitude: 52.51, radius: 5 }
    const first = workOf(index.searchSlowly({ ...around, page: 1, limit: 20 }, NO_TIME))
    const last = workOf(index.searchSlowly({ ...around, page: 100, limit: LIMIT }, NO_TIME))
    for (const work of [first, last]) {
      expect(Math.max(...work.map(({ compared }) => compared))).toBeLessThanOrEqual(COMPARED_MAX)
      expect(Math.max(...work.map(({ words }) => words))).toBeLessThanOrEqual(WORDS_MAX)
      expect(work.reduce((sum, { compared }) => sum + compared, 0)).toBeGreaterThan(0)
    }
    expect(first.reduce((sum, { words }) => sum + words, 0)).toBeLessThanOrEqual(FIRST_PAGE_WORDS_MAX)
  },
  TIMEOUT_MS,
)
