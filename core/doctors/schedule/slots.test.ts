import { describe, expect, test } from "bun:test"
import { bookableSlot } from "./availability.ts"
import { freeOf, type Schedule, slotAt, slotsOfDay } from "./slots.ts"
import type { WorkingHours } from "./working-hours.ts"

const MINUTE_MS = 60_000

function everyDay(intervals: [string, string][]): WorkingHours {
  return { mon: intervals, tue: intervals, wed: intervals, thu: intervals, fri: intervals, sat: intervals, sun: intervals }
}

function schedule(timezone: string, intervals: [string, string][], slotMinutes = 30): Schedule {
  return { timezone, slotMinutes, workingHours: everyDay(intervals) }
}

/** "05:00–06:00Z" for each slot, so that a reader can check by hand. */
function written(slots: { start: number; end: number }[]): string[] {
  return slots.map(({ start, end }) => [start, end].map((at) => new Date(at).toISOString().slice(11, 16)).join("–"))
}

const starts = (timezone: string, date: string, intervals: [string, string][], slotMinutes = 30) =>
  slotsOfDay(schedule(timezone, intervals, slotMinutes), date).map(({ start }) => new Date(start).toISOString().slice(0, 16))

describe("an ordinary day", () => {
  const weekdays: WorkingHours = {
    mon: [
      ["09:00", "10:30"],
      ["14:00", "15:00"],
    ],
  }
  const paris: Schedule = { timezone: "Europe/Paris", slotMinutes: 30, workingHours: weekdays }

  test("has the slots of its weekday, and a day that is missing is closed", () => {
    expect(written(slotsOfDay(paris, "2026-06-01"))).toEqual(["07:00–07:30", "07:30–08:00", "08:00–08:30", "12:00–12:30", "12:30–13:00"])
    expect(slotsOfDay(paris, "2026-06-02")).toEqual([])
    expect(slotsOfDay({ ...paris, workingHours: { mon: [] } }, "2026-06-01")).toEqual([])
  })

  test("has no slot that does not fit wholly inside its interval", () => {
    expect(written(slotsOfDay({ ...paris, slotMinutes: 40 }, "2026-06-01"))).toEqual(["07:00–07:40", "07:40–08:20", "12:00–12:40"])
    expect(slotsOfDay({ ...paris, slotMinutes: 240 }, "2026-06-01")).toEqual([])
  })

  test("starts afresh at each of two touching intervals", () => {
    const touching = schedule("UTC", [
      ["09:00", "10:00"],
      ["10:00", "11:00"],
    ])
    expect(written(slotsOfDay({ ...touching, slotMinutes: 45 }, "2026-06-01"))).toEqual(["09:00–09:45", "10:00–10:45"])
  })

  test("is the same under every name that Intl accepts for its zone", () => {
    const hours: [string, string][] = [["09:00", "10:00"]]
    for (const zone of ["Asia/Kolkata", "Asia/Calcutta", "+05:30", "+0530", "asia/kolkata"])
      expect(starts(zone, "2026-06-01", hours)).toEqual(["2026-06-01T03:30", "2026-06-01T04:00"])
    expect(starts("utc", "2026-06-01", hours)).toEqual(starts("Etc/UTC", "2026-06-01", hours))
    expect(starts("US/Eastern", "2026-06-01", hours)).toEqual(starts("America/New_York", "2026-06-01", hours))
  })
})

describe("a day on which clocks change", () => {
  test.each([
    ["an ordinary day", "Europe/Paris", "2026-06-01", 48],
    ["New York forward", "America/New_York", "2026-03-08", 46],
    ["New York back", "America/New_York", "2026-11-01", 50],
    ["Lord Howe forward by half an hour", "Australia/Lord_Howe", "2026-10-04", 47],
    ["Lord Howe back by half an hour", "Australia/Lord_Howe", "2026-04-05", 49],
    ["Troll forward by two hours", "Antarctica/Troll", "2026-03-29", 44],
    ["Troll back by two hours", "Antarctica/Troll", "2026-10-25", 52],
    ["Cairo forward at midnight", "Africa/Cairo", "2026-04-24", 46],
    ["Cairo back at midnight, into the same day", "Africa/Cairo", "2026-10-29", 50],
    ["the day after Cairo went back", "Africa/Cairo", "2026-10-30", 48],
    ["Beirut forward at midnight", "Asia/Beirut", "2026-03-29", 46],
    ["Beirut back at midnight", "Asia/Beirut", "2026-10-24", 50],
    ["Santiago back at midnight", "America/Santiago", "2026-04-04", 50],
    ["Santiago forward at midnight", "America/Santiago", "2026-09-06", 46],
    ["Nuuk forward, an hour before midnight", "America/Nuuk", "2026-03-28", 46],
    ["Nuuk back at midnight", "America/Nuuk", "2026-10-24", 50],
    ["Havana back to midnight", "America/Havana", "2026-11-01", 50],
    ["the day before Havana goes back to midnight", "America/Havana", "2026-10-31", 48],
    ["the Azores back to midnight", "Atlantic/Azores", "2026-10-25", 50],
    ["the day before the Azores go back to midnight", "Atlantic/Azores", "2026-10-24", 48],
    ["the Azores forward at midnight", "Atlantic/Azores", "2026-03-29", 46],
    ["Casablanca as Ramadan begins", "Africa/Casablanca", "2026-02-15", 50],
    ["Casablanca as Ramadan is over", "Africa/Casablanca", "2026-03-22", 46],
    ["the day that Samoa left out", "Pacific/Apia", "2011-12-30", 0],
    ["the day before it", "Pacific/Apia", "2011-12-29", 48],
    ["the day after it", "Pacific/Apia", "2011-12-31", 48],
  ])("has as many half-hours as it lasts: %s (%s, %s)", (_, timezone, date, count) => {
    expect(slotsOfDay(schedule(timezone, [["00:00", "24:00"]]), date)).toHaveLength(count)
  })

  test("has nothing in the gap: an interval inside it is empty, one across it is shorter", () => {
    expect(starts("Europe/Berlin", "2026-03-29", [["02:00", "03:00"]])).toEqual([])
    expect(starts("Europe/Berlin", "2026-03-29", [["02:15", "02:45"]], 5)).toEqual([])
    expect(starts("Europe/Berlin", "2026-03-29", [["01:30", "03:30"]])).toEqual(["2026-03-29T00:30", "2026-03-29T01:00"])
    expect(starts("Europe/Berlin", "2026-03-29", [["02:30", "04:00"]])).toEqual(["2026-03-29T01:00", "2026-03-29T01:30"])
  })

  test("works the repeated hour twice: from the first time that reads the start to the last that reads the end", () => {
    const twice = ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"]
    expect(starts("Europe/Berlin", "2026-10-25", [["02:00", "03:00"]])).toEqual(twice)
    expect(starts("Europe/Berlin", "2026-10-25", [["02:00", "02:30"]])).toEqual(twice.slice(0, 3))
    expect(starts("Europe/Berlin", "2026-10-25", [["01:00", "02:00"]])).toEqual([
      "2026-10-24T23:00",
      "2026-10-24T23:30",
      ...twice.slice(0, 2),
    ])
  })

  test("merges intervals that come to overlap, and steps through the whole", () => {
    const halves: [string, string][] = [
      ["02:00", "02:30"],
      ["02:30", "03:00"],
    ]
    const slots = slotsOfDay(schedule("Europe/Berlin", halves, 40), "2026-10-25")
    expect(written(slots)).toEqual(["00:00–00:40", "00:40–01:20", "01:20–02:00"])
  })

  test("does not list an instant that the day before lists, where midnight comes twice", () => {
    const havana = schedule("America/Havana", [["00:00", "24:00"]])
    const [eve, day] = [slotsOfDay(havana, "2026-10-31"), slotsOfDay(havana, "2026-11-01")]
    expect(new Date(eve.at(-1)?.end ?? 0).toISOString()).toBe("2026-11-01T04:00:00.000Z")
    expect(day.slice(0, 3).map(({ start }) => new Date(start).toISOString().slice(0, 16))).toEqual([
      "2026-11-01T04:00",
      "2026-11-01T04:30",
      "2026-11-01T05:00",
    ])
  })
})

describe("the slot at an instant", () => {
  const havana = schedule("America/Havana", [["00:00", "24:00"]])

  test("is the one that starts exactly then, both times that a repeated hour comes", () => {
    for (const at of ["2026-11-01T04:30Z", "2026-11-01T05:30Z"]) {
      const start = Date.parse(at)
      expect(slotAt(havana, start)).toEqual({ start, end: start + 30 * MINUTE_MS })
    }
  })

  test("is none a millisecond off, outside working hours, or at an instant that no calendar writes", () => {
    const nine = schedule("Europe/Paris", [["09:00", "10:00"]])
    expect(slotAt(nine, Date.parse("2026-06-01T07:00Z"))).toBeDefined()
    for (const at of [Date.parse("2026-06-01T07:00Z") + 1, Date.parse("2026-06-01T08:00Z"), 8.64e15, -8.64e15, 1e300, Number.NaN])
      expect(slotAt(nine, at)).toBeUndefined()
  })

  test("is bookable, or the refusal of scheduledAt says why not", () => {
    const doctor = { ...schedule("Europe/Paris", [["09:00", "10:00"]]), active: true }
    const start = Date.parse("2026-06-01T07:00Z")
    expect(bookableSlot(doctor, start, start)).toEqual({ start, end: start + 30 * MINUTE_MS })
    expect(() => bookableSlot(doctor, start, start + 1)).toThrow("scheduledAt: lies in the past")
    expect(() => bookableSlot(doctor, start + MINUTE_MS, 0)).toThrow("scheduledAt: is not the start of a slot")
    expect(() => bookableSlot({ ...doctor, active: false }, start, 0)).toThrow("scheduledAt: this doctor takes no bookings")
  })
})

test("what is free is what overlaps nothing taken, of whatever length; touching is free", () => {
  const slots = [0, 30, 60, 90, 120].map((start) => ({ start, end: start + 30 }))
  const free = (...taken: [number, number][]) =>
    freeOf(
      slots,
      taken.map(([start, end]) => ({ start, end })),
    ).map(({ start }) => start)
  expect(free()).toEqual([0, 30, 60, 90, 120])
  expect(free([30, 60])).toEqual([0, 60, 90, 120])
  expect(free([-90, 1], [70, 75], [119, 121])).toEqual([30])
  expect(free([-60, 0], [150, 200])).toEqual([0, 30, 60, 90, 120])
  expect(free([-10, 500])).toEqual([])
})
