import { describe, expect, test } from "bun:test"
import { z } from "zod"
import { SearchQuery } from "./schema.ts"

/** The parameters that a refusal names. */
function refused(query: Record<string, string>): string[] {
  const parsed = SearchQuery.safeParse(query)
  return parsed.success ? [] : [...new Set(parsed.error.issues.map((issue) => issue.path.join(".")))]
}

const place = { latitude: "1", longitude: "2" }

describe("a search's query", () => {
  test("has a radius of 10 km, page 1 and limit 20 unless it says otherwise, and ignores what it does not know", () => {
    expect(SearchQuery.parse({ unknown: "x" })).toEqual({ radius: 10, page: 1, limit: 20 })
  })

  test("takes plain decimals", () => {
    const taken = { "1e1": 10, "5": 5, "2.5": 2.5, "+3": 3, ".5": 0.5, "5.": 5, "0010": 10 }
    for (const [text, radius] of Object.entries(taken)) expect(SearchQuery.parse({ radius: text }).radius).toBe(radius)
  })

  test("refuses by name what Number would take for a number, and what it would not", () => {
    for (const text of [
      "NaN",
      "Infinity",
      "-Infinity",
      "1e309",
      "",
      " ",
      " 5",
      "5 ",
      "0x10",
      "0b1",
      "1_0",
      "1,5",
      "ten",
      "5km",
      "٣",
      "null",
    ])
      for (const field of ["radius", "minFee", "maxFee", "page", "limit"]) expect(refused({ [field]: text })).toEqual([field])
    for (const text of ["NaN", "", "north"]) {
      expect(refused({ ...place, latitude: text })).toEqual(["latitude"])
      expect(refused({ ...place, longitude: text })).toEqual(["longitude"])
    }
  })

  test("has both of a position or neither", () => {
    expect(refused({ latitude: "1" })).toEqual(["longitude"])
    expect(refused({ longitude: "1" })).toEqual(["latitude"])
    expect(refused(place)).toEqual([])
  })

  test("keeps to the ranges, their ends included", () => {
    const inside: Record<string, string>[] = [
      { ...place, latitude: "-90" },
      { ...place, latitude: "90", longitude: "180" },
      { radius: "500" },
      { limit: "1" },
      { limit: "100" },
    ]
    for (const query of inside) expect(refused(query)).toEqual([])
    const outside = {
      radius: ["0", "-1", "500.0001"],
      limit: ["0", "101", "1.5", "-1"],
      page: ["0", "1.5", "-1"],
      minFee: ["-1"],
      maxFee: ["-0.5"],
    }
    for (const [field, texts] of Object.entries(outside)) for (const text of texts) expect(refused({ [field]: text })).toEqual([field])
    for (const text of ["90.1", "-91"]) expect(refused({ ...place, latitude: text })).toEqual(["latitude"])
    for (const text of ["180.1", "-181"]) expect(refused({ ...place, longitude: text })).toEqual(["longitude"])
  })

  test("has no fees the wrong way round", () => {
    expect(refused({ minFee: "2", maxFee: "1" })).toEqual(["minFee"])
    expect(refused({ minFee: "2", maxFee: "2" })).toEqual([])
  })

  test("goes no deeper than 10,000 rows", () => {
    expect(refused({ page: "100", limit: "100" })).toEqual([])
    expect(refused({ page: "101", limit: "100" })).toEqual(["page"])
    expect(refused({ page: "501" })).toEqual(["page"])
    expect(refused({ page: "9007199254740993" })).toEqual(["page"])
  })

  test("has texts of at most 200 characters, however many units they take, and whole ones", () => {
    for (const field of ["specialization", "name", "clinicName", "city"]) {
      expect(refused({ [field]: "😀".repeat(200) })).toEqual([])
      expect(refused({ [field]: "a".repeat(201) })).toEqual([field])
      expect(refused({ [field]: "a\0" })).toEqual([field])
      expect(refused({ [field]: "\ud800" })).toEqual([field])
    }
  })

  test("can be described as JSON Schema", () => {
    const described = z.toJSONSchema(SearchQuery, { io: "input" })
    expect(Object.keys(described.properties ?? {})).toHaveLength(11)
  })
})
