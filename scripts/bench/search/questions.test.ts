import { expect, test } from "bun:test"
import { haversineKm } from "../../../core/doctors/search/haversine.ts"
import { SearchQuery } from "../../../core/doctors/search/schema.ts"
import { doctors } from "../../demo/doctors.ts"
import { DEFAULT_SEED } from "../../demo/seed.ts"
import { columnsOf } from "./columns.ts"
import { LIMIT, pathOf, type Question, questionOf } from "./peers/question.ts"
import { answered, choose, RADII_KM } from "./questions.ts"

const rows = [...doctors(DEFAULT_SEED, 5_000)]
  .map(({ id, clinic, fee, specialization }) => ({ id, latitude: clinic.latitude, longitude: clinic.longitude, fee, specialization }))
  .sort((a, b) => a.latitude - b.latitude)
const columns = columnsOf(rows)
const chosen = choose(columns, { mix: 300, places: 50 })

/** Every doctor is looked at, without any short cut. */
function bruteForce({ latitude, longitude, radiusKm, specialization, minFee, maxFee }: Question): string[] {
  return rows
    .filter((d) => specialization === undefined || d.specialization === specialization)
    .filter((d) => d.fee >= (minFee ?? 0) && d.fee <= (maxFee ?? Number.POSITIVE_INFINITY))
    .map((d) => ({ id: d.id, km: haversineKm(latitude, longitude, d.latitude, d.longitude) }))
    .filter(({ km }) => km <= radiusKm)
    .sort((a, b) => a.km - b.km || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id)
}

test("every chosen search has twenty answers or more, and they are those of brute force", () => {
  const all = [...chosen.mix, ...chosen.byRadius.flatMap(({ asked }) => asked)]
  for (const { question, ids, hits } of all) {
    const found = bruteForce(question)
    expect(ids).toHaveLength(LIMIT)
    expect(ids).toEqual(found.slice(0, LIMIT))
    expect(hits).toBe(found.length)
  }
})

test("the mix has searches by specialization, by fees, by both and by neither", () => {
  const kinds = new Set(chosen.mix.map(({ question: q }) => `${q.specialization !== undefined} ${q.minFee !== undefined}`))
  expect([...kinds].sort()).toEqual(["false false", "false true", "true false", "true true"])
})

test("the same places are asked with every radius", () => {
  expect(chosen.byRadius.map(({ radiusKm }) => radiusKm)).toEqual(RADII_KM)
  const places = chosen.byRadius.map(({ asked }) => asked.map(({ question: q }) => `${q.latitude} ${q.longitude}`))
  for (const list of places) expect(list).toEqual(places[0] as string[])
})

test("the same world is asked the same at every run", () => {
  expect(choose(columns, { mix: 20, places: 5 }).mix).toEqual(choose(columns, { mix: 20, places: 5 }).mix)
})

test("a search across the antimeridian or a pole finds who is near", () => {
  const places = columnsOf([
    { id: "a", latitude: 0, longitude: 179.99, fee: 1, specialization: "x" },
    { id: "b", latitude: 89.9, longitude: -90, fee: 1, specialization: "x" },
  ])
  expect(answered(places, { latitude: 0, longitude: -179.99, radiusKm: 5 }).ids).toEqual(["a"])
  expect(answered(places, { latitude: 89.9, longitude: 90, radiusKm: 25 }).ids).toEqual(["b"])
})

test("a path says exactly the question, to our endpoint and to the peers", () => {
  for (const { question } of chosen.mix) {
    const query = Object.fromEntries(new URL(pathOf(question), "http://localhost").searchParams)
    expect(questionOf(query)).toEqual(question)
    const parsed = SearchQuery.parse(query)
    expect([parsed.latitude, parsed.longitude, parsed.radius, parsed.limit]).toEqual([
      question.latitude,
      question.longitude,
      question.radiusKm,
      LIMIT,
    ])
    expect(parsed.specialization).toBe(question.specialization)
    expect([parsed.minFee, parsed.maxFee]).toEqual([question.minFee, question.maxFee])
  }
})
