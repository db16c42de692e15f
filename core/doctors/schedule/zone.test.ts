import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { isTimeZone } from "../../time.ts"
import { AvailabilityQuery, dayIn, dayOf, zoneOf } from "./zone.ts"

describe("the zone of a place", () => {
  test("is the one its people live by", () => {
    expect(zoneOf(48.8566, 2.3522)).toBe("Europe/Paris")
    expect(zoneOf(40.7128, -74.006)).toBe("America/New_York")
    expect(zoneOf(28.6139, 77.209)).toBe("Asia/Kolkata")
    expect(zoneOf(-31.5553, 159.0821)).toBe("Australia/Lord_Howe")
  })

  test("is one that this runtime can reckon in, for every place on the globe", () => {
    const corners = [-90, 0, 90].flatMap((latitude) => [-180, -0, 0, 180].map((longitude): [number, number] => [latitude, longitude]))
    for (const [latitude, longitude] of corners) expect(isTimeZone(zoneOf(latitude, longitude))).toBe(true)
    const zones = new Set<string>()
    for (let latitude = -90; latitude <= 90; latitude += 0.5)
      for (let longitude = -180; longitude <= 180; longitude += 0.5) zones.add(zoneOf(latitude, longitude))
    expect(zones.size).toBeGreaterThan(350)
    for (const zone of zones) expect(isTimeZone(zone) && dayOf(0, zone) !== "").toBe(true)
    const latitude = fc.double({ min: -90, max: 90, noNaN: true })
    const longitude = fc.double({ min: -180, max: 180, noNaN: true })
    fc.assert(fc.property(latitude, longitude, (lat, lng) => isTimeZone(zoneOf(lat, lng))))
  })
})

describe("the date of an availability query", () => {
  const accepts = (date: unknown) => AvailabilityQuery.safeParse({ date }).success

  test.each([
    "2026-03-29",
    "2024-02-29",
    "0001-01-01",
    "9999-12-31",
    "2026-03-29T01:30:00Z",
    "2026-03-29t01:30:00z",
    "2026-03-29T01:30:00.123456Z",
    "2026-03-29T01:30Z",
    "2026-03-29T01:30:00+05:30",
    "2016-12-31T23:59:60Z",
  ])("may be %s, and is kept as given", (date) => {
    expect(AvailabilityQuery.parse({ date, other: 1 })).toEqual({ date })
  })

  test.each([
    "",
    "2026-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-6-1",
    "20260601",
    "0000-01-01",
    "+010000-01-01",
    "2026-06-01 ",
    "2026-06-01T25:00:00Z",
    "2026-06-01T10:00:00",
    "2026-06-01T10:00:00+24:00",
    "2026-06-01T10:00:00 05:30",
    "2026-06-01T10:00:00Z[Europe/Paris]",
    "2026-W23-1",
    "today",
    "1780318800000",
    "2026-06-01\u0000",
  ])("may not be %p", (date) => {
    expect(accepts(date)).toBe(false)
  })

  test("must be given", () => {
    for (const date of [undefined, null, 20260601, ["2026-06-01"]]) expect(accepts(date)).toBe(false)
    expect(AvailabilityQuery.safeParse({}).error?.issues[0]?.path).toEqual(["date"])
  })

  test("is the doctor's day: an instant is read in the doctor's zone", () => {
    expect(dayIn("Pacific/Auckland", "2026-06-01")).toBe("2026-06-01")
    expect(dayIn("Pacific/Auckland", "2026-06-01T12:00:00Z")).toBe("2026-06-02")
    expect(dayIn("America/Los_Angeles", "2026-06-02T06:59:59.999Z")).toBe("2026-06-01")
    expect(dayIn("+05:30", "2026-06-01T18:30:00Z")).toBe("2026-06-02")
    expect(dayIn("UTC", "2026-06-01T23:30:00-05:00")).toBe("2026-06-02")
  })

  test("is refused where the zone moves an instant out of the calendar", () => {
    expect(() => dayIn("Asia/Tokyo", "9999-12-31T23:00:00Z")).toThrow("date: lies outside the years")
    expect(() => dayIn("America/New_York", "0001-01-01T00:00:00Z")).toThrow("date: lies outside the years")
  })
})

test("an instant belongs to the day that has begun, though clocks that went back read the day before once more", () => {
  expect(dayOf(Date.parse("2006-10-29T02:30Z"), "America/St_Johns")).toBe("2006-10-29")
  expect(dayOf(Date.parse("2006-10-29T02:31Z"), "America/St_Johns")).toBe("2006-10-29")
  expect(dayOf(Date.parse("2006-10-29T02:29Z"), "America/St_Johns")).toBe("2006-10-28")
  expect(dayOf(Date.parse("2011-12-30T10:00Z"), "Pacific/Apia")).toBe("2011-12-31")
})
