import { describe, expect, test } from "bun:test"
import { SlotMinutes, WorkingHours } from "./working-hours.ts"

const paths = (input: unknown) => WorkingHours.safeParse(input).error?.issues.map((issue) => issue.path.join("."))

describe("working hours", () => {
  test("are kept as given: breaks, touching intervals, closed and missing days, 24:00 as an end", () => {
    const week = {
      mon: [
        ["00:00", "09:00"],
        ["09:00", "12:30"],
        ["14:00", "24:00"],
      ],
      tue: [],
      sun: [["23:58", "23:59"]],
    }
    expect<unknown>(WorkingHours.parse(week)).toEqual(week)
    expect(WorkingHours.parse({})).toEqual({})
  })

  test.each<[string, unknown, string[]]>([
    ["24:00 as a start", { mon: [["24:00", "24:00"]] }, ["mon.0.0"]],
    ["a time that no clock shows", { mon: [["09:60", "12:00"]] }, ["mon.0.0"]],
    ["an end past midnight", { tue: [["09:00", "24:01"]] }, ["tue.0.1"]],
    ["a time without its zero", { tue: [["9:00", "12:00"]] }, ["tue.0.0"]],
    ["seconds", { tue: [["09:00:00", "12:00"]] }, ["tue.0.0"]],
    ["digits of another script", { tue: [["٠٩:٠٠", "12:00"]] }, ["tue.0.0"]],
    ["a number", { tue: [[9, 12]] }, ["tue.0.0", "tue.0.1"]],
    ["an interval without an end", { wed: [["09:00", "12:00"], ["14:00"]] }, ["wed.1"]],
    ["three times", { wed: [["09:00", "12:00", "14:00"]] }, ["wed.0"]],
    ["an empty interval", { wed: [["09:00", "09:00"]] }, ["wed.0"]],
    ["an interval across midnight", { wed: [["22:00", "06:00"]] }, ["wed.0"]],
    [
      "overlapping intervals",
      {
        thu: [
          ["09:00", "12:00"],
          ["11:59", "13:00"],
        ],
      },
      ["thu.1.0"],
    ],
    [
      "intervals out of order",
      {
        thu: [
          ["14:00", "18:00"],
          ["09:00", "12:00"],
        ],
      },
      ["thu.1.0"],
    ],
    ["a day that is no list", { fri: { from: "09:00" } }, ["fri"]],
    ["a null day", { fri: null }, ["fri"]],
    ["a week that is a list", [], [""]],
    ["an unknown day", { mon: [], monday: [] }, [""]],
  ])("refuse %s, and name the place", (_, input, where) => {
    expect(paths(input)).toEqual(where)
  })

  test("refuse more intervals a day than any day has", () => {
    const intervals = Array.from({ length: 25 }, (_, n) => [`0${Math.floor(n / 10)}:${n % 10}0`, `0${Math.floor(n / 10)}:${n % 10}5`])
    expect(paths({ mon: intervals })).toContain("mon")
    const two = (n: number) => String(n).padStart(2, "0")
    expect(paths({ mon: Array.from({ length: 24 }, (_, n) => [`${two(n)}:00`, `${two(n)}:30`]) })).toBeUndefined()
  })
})

test("a slot lasts from 5 to 240 whole minutes", () => {
  for (const minutes of [5, 30, 240]) expect(SlotMinutes.parse(minutes)).toBe(minutes)
  for (const minutes of [4, 241, 30.5, "30", null, Number.NaN, Infinity]) expect(SlotMinutes.safeParse(minutes).success).toBe(false)
})
