/** What an index must answer, by looking at every doctor; and random doctors, places and queries to ask about. */
import { expect } from "bun:test"
import fc from "fast-check"
import { snapDegrees } from "../../fields.ts"
import { caseKey, fold } from "../../text.ts"
import { haversineKm } from "../search/haversine.ts"
import { anchor, bruteForce, doctorAt, filtersAndPage, type Place, placeNear, type TestDoctor } from "../search/test-world.ts"
import { type DoctorIndex, doctorChecksum, type IndexedDoctor, type NearQuery } from "./doctor-index.ts"

const TOTAL_MAX = 1_000

type Held = { doctor: IndexedDoctor; json: string; specialization: string; city: string; name: string; clinicName: string }

/** Holds doctors as an index does, and answers in the same words. */
export class Oracle {
  readonly held = new Map<string, Held>()

  put(doctor: IndexedDoctor): void {
    const { version: _, ...listing } = doctor
    this.held.set(doctor.id, {
      doctor,
      json: JSON.stringify(listing).slice(0, -1),
      specialization: caseKey(doctor.specialization),
      city: caseKey(doctor.city),
      name: fold(doctor.name),
      clinicName: fold(doctor.clinicName),
    })
  }

  answer(q: NearQuery): string {
    const asked = {
      specialization: q.specialization === undefined ? undefined : caseKey(q.specialization),
      city: q.city === undefined ? undefined : caseKey(q.city),
      name: fold(q.name ?? ""),
      clinicName: fold(q.clinicName ?? ""),
    }
    const hits: { held: Held; km: number }[] = []
    for (const held of this.held.values()) {
      const { consultationFee, clinicLatitude, clinicLongitude } = held.doctor
      if (asked.specialization !== undefined && held.specialization !== asked.specialization) continue
      if (asked.city !== undefined && held.city !== asked.city) continue
      if (!held.name.includes(asked.name) || !held.clinicName.includes(asked.clinicName)) continue
      if (consultationFee < (q.minFee ?? 0) || consultationFee > (q.maxFee ?? Number.POSITIVE_INFINITY)) continue
      const km = haversineKm(q.latitude, q.longitude, clinicLatitude, clinicLongitude)
      if (km <= q.radius) hits.push({ held, km })
    }
    hits.sort((a, b) => a.km - b.km || (a.held.doctor.id < b.held.doctor.id ? -1 : 1))
    const rows = hits.slice((q.page - 1) * q.limit, q.page * q.limit)
    const data = rows.map(({ held, km }) => `${held.json},"distanceKm":${JSON.stringify(Math.round(km * 1000) / 1000)}}`)
    const total = `"total":${Math.min(hits.length, TOTAL_MAX)},"totalIsExact":${hits.length <= TOTAL_MAX}`
    return `{"data":[${data.join(",")}],"page":${q.page},"limit":${q.limit},${total}}`
  }

  checksum(): bigint {
    let sum = 0n
    for (const { doctor } of this.held.values()) sum += doctorChecksum(doctor)
    return BigInt.asUintN(64, sum)
  }
}

export const textOf = (index: DoctorIndex, q: NearQuery) => Buffer.from(index.search(q)).toString()

export function indexed(doctor: TestDoctor, version = 1): IndexedDoctor {
  const [listing] = bruteForce([{ ...doctor, active: true }], { radius: 1, page: 1, limit: 1 }).data
  if (!listing) throw new Error("one doctor in, none out")
  const { distanceKm: _, ...fields } = listing
  return { ...fields, version }
}

/** How far doctors are strewn: within one finest cell, a house, a street, a city, a country. */
const SPREADS_KM = [0, 0.0001, 0.02, 1, 12, 150, 600]

/** Doctors around one place, many of them in the very same spot, and a few anywhere. */
export const worldOf = (least: number, most: number) =>
  fc.tuple(anchor, fc.constantFrom(...SPREADS_KM), fc.integer(), fc.integer({ min: least, max: most })).map(([middle, km, seed, size]) => {
    const near = placeNear(middle, km)
    const spot = fc.constantFrom(middle, { ...middle, longitude: -middle.longitude })
    const place = fc.oneof({ weight: 16, arbitrary: near }, { weight: 3, arbitrary: spot }, { weight: 1, arbitrary: anchor })
    const doctors = fc.sample(doctorAt(place), { numRuns: size, seed })
    return { middle, near, doctors, seed }
  })
export type World = { middle: Place; near: fc.Arbitrary<Place>; doctors: TestDoctor[]; seed: number }

const asked = (near: fc.Arbitrary<Place>) =>
  fc.record({
    from: fc.oneof(near, fc.constant("doctor" as const), fc.constant("doctor" as const)),
    radius: fc.oneof(
      fc.constantFrom(0.001, 0.5, 1, 3, 10, 25, 100, 499.999, 500),
      fc.double({ min: 0.001, max: 500, noNaN: true }),
      fc.constantFrom("rim" as const, "inside the rim" as const),
    ),
    nth: fc.nat(),
    filters: filtersAndPage,
    unfiltered: fc.boolean(),
  })

/** Queries about a world, the same for one seed. A rim is the exact distance of some doctor; inside it is the next smaller double. */
export function queriesOf({ near, doctors }: Pick<World, "near" | "doctors">, count: number, seed: number): NearQuery[] {
  return fc.sample(asked(near), { numRuns: count, seed }).map(({ from, radius, nth, filters, unfiltered }) => {
    const place = from === "doctor" ? (doctors[(nth * 7) % doctors.length] as TestDoctor) : from
    const at = { latitude: snapDegrees(place.latitude), longitude: snapDegrees(place.longitude) }
    const rimDoctor = doctors[nth % doctors.length] as TestDoctor
    const km = haversineKm(at.latitude, at.longitude, rimDoctor.latitude, rimDoctor.longitude)
    const rim = km > 0 && km <= 500 ? km : 10
    const radiusKm = typeof radius === "number" ? radius : radius === "rim" ? rim : rim * (1 - Number.EPSILON / 2)
    const { page, limit } = filters
    return { ...(unfiltered ? { page, limit } : filters), ...at, radius: radiusKm }
  })
}

/** What kinds of answers were compared: of nobody, or of first pages alone, they would show little. */
export class Compared {
  readonly counts = { answers: 0, rows: 0, further: 0, filtered: 0, empty: 0, inexact: 0 }

  note(query: NearQuery, answer: string): void {
    const { counts } = this
    const hasRows = !answer.startsWith('{"data":[],')
    const { latitude: _1, longitude: _2, radius: _3, page, limit: _4, ...filters } = query
    counts.answers++
    if (hasRows) counts.rows++
    if (hasRows && page > 1) counts.further++
    if (hasRows && Object.values(filters).some((asked) => asked !== undefined)) counts.filtered++
    if (answer.includes('"total":0,')) counts.empty++
    if (answer.endsWith('"totalIsExact":false}')) counts.inexact++
  }

  expectAllKinds(): void {
    const { answers, rows, further, filtered, empty } = this.counts
    expect(rows / answers).toBeGreaterThan(0.4)
    for (const kind of [further, filtered, empty]) expect(kind / answers).toBeGreaterThan(0.05)
  }
}
