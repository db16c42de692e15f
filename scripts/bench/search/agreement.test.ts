import { expect, test } from "bun:test"
import type { DoctorListing } from "../../../core/doctors/search/schema.ts"
import { faultOf } from "./agreement.ts"
import { columnsOf } from "./columns.ts"
import { CONTENDERS } from "./contenders.ts"
import { answerOf } from "./peers/listing.ts"
import { type Asked, answered } from "./questions.ts"

/** Twenty-five doctors on a meridian, a hundred metres apart; the last three of the first twenty-one in one place. */
const rows = Array.from({ length: 25 }, (_, n) => ({
  id: `doctor-${String(n).padStart(2, "0")}`,
  latitude: n >= 18 && n <= 20 ? 0.018 : n * 0.001,
  longitude: 0,
  fee: 100,
  specialization: "Cardiology",
}))
const question = { latitude: 0, longitude: 0, radiusKm: 10, specialization: "Cardiology", minFee: 50, maxFee: 150 }
const asked = answered(columnsOf(rows), question)
const EARTH_KM_PER_DEGREE = (6371.0088 * Math.PI) / 180

function listing(n: number, changes: Partial<DoctorListing> = {}): DoctorListing {
  const { id, latitude, longitude, fee, specialization } = rows[n] as (typeof rows)[number]
  return {
    id,
    name: id,
    specialization,
    consultationFee: fee,
    currency: "USD",
    clinicId: "clinic",
    clinicName: "Clinic",
    clinicAddress: "1 Main Street",
    city: "Null Island",
    clinicLatitude: latitude,
    clinicLongitude: longitude,
    services: [],
    distanceKm: Math.round(latitude * EARTH_KM_PER_DEGREE * 1000) / 1000,
    ...changes,
  }
}

const right = Array.from({ length: 20 }, (_, n) => listing(n))
const fault = (data: DoctorListing[], slackKm = 0) => faultOf(answerOf(data), asked, { slackKm, counts: false })
const changed = (place: number, doctor: DoctorListing) => right.map((d, n) => (n === place ? doctor : d))

test("the right answer has no fault", () => {
  expect(fault(right)).toBeUndefined()
})

test("PulseCal must order ties by id; the peers may order them as they like, and take any of them for the last place", () => {
  const swapped = [...right.slice(0, 18), listing(19), listing(18)]
  expect(fault(swapped)).toContain("place 19")
  expect(fault(swapped, 0.00001)).toBeUndefined()
  expect(fault(changed(19, listing(20)), 0.00001)).toBeUndefined()
})

test("another doctor, a missing one, one twice, a wrong distance and a filter that was not kept are faults even with slack", () => {
  const slackKm = 0.0025
  expect(fault(changed(5, listing(24)), slackKm)).toContain("place 6 is doctor-24")
  expect(fault(right.slice(1), slackKm)).toBe("19 doctors, not 20")
  expect(fault(changed(5, listing(4)), slackKm)).toBe("a doctor comes twice")
  expect(fault(changed(5, listing(5, { distanceKm: 0.6 })), slackKm)).toContain("says 0.6 km")
  expect(fault(changed(5, listing(5, { distanceKm: null })), slackKm)).toContain("says null km")
  expect(fault(changed(5, listing(5, { specialization: "Urology" })), slackKm)).toContain("Urology")
  expect(fault(changed(5, listing(5, { consultationFee: 151 })), slackKm)).toContain("151")
})

const total = (total: number, isExact: boolean, of: Partial<Asked> = {}, slackKm = 0) =>
  faultOf({ ...answerOf(right), total, totalIsExact: isExact }, { ...asked, ...of }, { slackKm, counts: true })

test("whoever counts must say how many there are: exactly up to 1,000, beyond that that there are more", () => {
  expect(asked.hits).toBe(25)
  expect(total(25, true)).toBeUndefined()
  for (const wrong of [24, 26]) expect(total(wrong, true)).toBe(`says ${wrong} doctors, exactly, where there are 25`)
  expect(total(25, false)).toContain("not exactly")
  expect(total(1_000, false)).toContain("where there are 25")
  expect(total(1_000, true, { hits: 1_000 })).toBeUndefined()
  expect(total(1_000, false, { hits: 1_000 })).toContain("not exactly")
  expect(total(1_000, false, { hits: 1_001 })).toBeUndefined()
  expect(total(1_000, true, { hits: 1_001 })).toContain("where there are 1001")
  expect(total(1_001, true, { hits: 1_001 })).toContain("where there are 1001")
  expect(total(999, false, { hits: 2_000 })).toContain("where there are 2000")
})

test("a doctor on the rim may be on either side of it for a peer, and is on the right one for PulseCal", () => {
  // Ten of them are within the radius, the farthest by a millimetre.
  const rimKm = 0.009 * EARTH_KM_PER_DEGREE + 0.000001
  const onRim = answered(columnsOf(rows), { ...question, radiusKm: rimKm })
  expect([onRim.hits, onRim.onRim]).toEqual([10, 1])
  const rim = { hits: onRim.hits, onRim: onRim.onRim }
  for (const counted of [9, 11]) {
    expect(total(counted, true, rim, 0.00001)).toBeUndefined()
    expect(total(counted, true, rim)).toContain("where there are 10")
  }
  for (const counted of [8, 12]) expect(total(counted, true, rim, 0.00001)).toContain("where there are 10")
})

test("PulseCal counts, and so does every peer that is said to", () => {
  const counting = Object.entries(CONTENDERS).filter(([, { counts }]) => counts)
  expect(counting.map(([name]) => name).sort()).toEqual([
    "ours",
    "ours-sql",
    "postgis-as-came-total",
    "postgis-both-as-came-total",
    "postgis-both-total",
    "postgis-total",
  ])
})
