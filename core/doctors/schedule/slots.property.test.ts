/** Every zone and every clock change of five years, against an oracle that reads a clock: each hour, and each minute of those in which it jumps. */
import { expect, test } from "bun:test"
import fc from "fast-check"
import { type Schedule, type Slot, slotAt, slotsOfDay } from "./slots.ts"
import type { WorkingHours } from "./working-hours.ts"
import { dayOf } from "./zone.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const FROM = Date.parse("2026-01-01T00:00Z")
const TO = Date.parse("2031-01-01T00:00Z")
const ZONES = [...Intl.supportedValuesOf("timeZone"), "UTC", "Asia/Kolkata"]
const RUNS_A_CHANGE = 6
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const

/** What a clock shows, minute by minute: "2026-03-29 01:59". As text these sort by time. */
class Clock {
  private readonly firstShown = new Map<string, number>()
  private readonly lastShown = new Map<string, number>()

  constructor(
    readonly from: number,
    readonly shown: string[],
  ) {
    for (const [minute, text] of shown.entries()) {
      const at = from + minute * MINUTE_MS
      if (!this.firstShown.has(text)) this.firstShown.set(text, at)
      this.lastShown.set(text, at)
    }
  }

  first = (text: string): number => this.firstShown.get(text) ?? this.firstNotBefore(text)
  last = (text: string): number => this.lastShown.get(text) ?? this.firstNotBefore(text)

  firstNotBefore(text: string): number {
    const index = this.shown.findIndex((shown) => shown >= text)
    if (index < 0) throw new Error(`the oracle's window ends before ${text}`)
    return this.from + index * MINUTE_MS
  }
}

function clockFormat(zone: string): Intl.DateTimeFormat {
  const [whole, two] = ["numeric", "2-digit"] as const
  return new Intl.DateTimeFormat("sv", { timeZone: zone, year: whole, month: two, day: two, hour: two, minute: two, hourCycle: "h23" })
}

/** Milliseconds that what a clock shows is ahead of UTC. */
const offsetShown = (format: Intl.DateTimeFormat, instant: number) => Date.parse(`${format.format(instant).replace(" ", "T")}Z`) - instant

const shownIn = (utc: number) => new Date(utc).toISOString().slice(0, 16).replace("T", " ")

/** What it shows in an hour, all of it as text where it jumps; else how far it is ahead. */
function readHour(format: Intl.DateTimeFormat, hour: number): string[] | number {
  const offset = offsetShown(format, hour)
  if (offset === offsetShown(format, hour + HOUR_MS)) return offset
  return Array.from({ length: HOUR_MS / MINUTE_MS }, (_, minute) => format.format(hour + minute * MINUTE_MS))
}

const minutesOf = (hour: number, read: string[] | number) =>
  typeof read === "number" ? Array.from({ length: HOUR_MS / MINUTE_MS }, (_, minute) => shownIn(hour + read + minute * MINUTE_MS)) : read

/** Those of one moment: zones whose clocks show the same share one. */
let clocks = new Map<string, Clock>()
let clocksFrom = Number.NaN

function clockOf(zone: string, from: number, hours: number): Clock {
  if (from !== clocksFrom) [clocks, clocksFrom] = [new Map(), from]
  const format = clockFormat(zone)
  const read = Array.from({ length: hours }, (_, hour) => readHour(format, from + hour * HOUR_MS))
  const minutes = () => read.flatMap((shown, hour) => minutesOf(from + hour * HOUR_MS, shown))
  return clocks.getOrInsertComputed(JSON.stringify(read), () => new Clock(from, minutes()))
}

function dateAfter(date: string): string {
  return new Date(Date.parse(date) + DAY_MS).toISOString().slice(0, 10)
}

function expectedSlots(clock: Clock, { workingHours, slotMinutes }: Schedule, date: string): Slot[] {
  const weekday = WEEKDAYS[new Date(date).getUTCDay()] ?? "sun"
  const dayEnd = clock.firstNotBefore(`${dateAfter(date)} 00:00`)
  let runs: Slot[] = []
  for (const [from, to] of workingHours[weekday] ?? []) {
    let start = clock.first(`${date} ${from}`)
    let end = Math.min(dayEnd, clock.last(to === "24:00" ? `${dateAfter(date)} 00:00` : `${date} ${to}`))
    if (end <= start) continue
    for (const other of runs.filter((run) => run.start < end && start < run.end)) {
      start = Math.min(start, other.start)
      end = Math.max(end, other.end)
      runs = runs.filter((run) => run !== other)
    }
    runs.push({ start, end })
  }
  const length = slotMinutes * MINUTE_MS
  return runs.flatMap(({ start, end }) =>
    Array.from({ length: Math.floor((end - start) / length) }, (_, n) => ({ start: start + n * length, end: start + (n + 1) * length })),
  )
}

const hhmm = (minute: number) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`

/** A day's work whose edges crowd around the given minutes of the day. */
function workingDay(near: number[]) {
  const edge = fc
    .tuple(fc.constantFrom(0, 1440, ...near), fc.constantFrom(-120, -61, -60, -45, -30, -15, -1, 0, 1, 15, 30, 45, 60, 61, 120))
    .map(([minute, shift]) => Math.min(1440, Math.max(0, minute + shift)))
  const edges = fc.uniqueArray(fc.oneof(edge, fc.integer({ min: 0, max: 1440 })), { minLength: 2, maxLength: 12 })
  return fc.tuple(edges, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 })).map(([minutes, worked]) => {
    const sorted = minutes.toSorted((a, b) => a - b)
    const pairs = sorted.slice(1).map((end, index): [string, string] => [hhmm(sorted[index] ?? 0), hhmm(end)])
    return pairs.filter((_, index) => worked[index])
  })
}

function schedules(timezone: string, near: number[]): fc.Arbitrary<Schedule> {
  const wholeDay = fc.constant<[string, string][]>([["00:00", "24:00"]])
  const day = fc.oneof({ weight: 4, arbitrary: workingDay(near) }, { weight: 1, arbitrary: wholeDay })
  return fc
    .tuple(day, day, fc.oneof(fc.constantFrom(5, 15, 20, 30, 45, 60), fc.integer({ min: 5, max: 240 })))
    .map(([odd, even, slotMinutes]) => ({
      timezone,
      slotMinutes,
      workingHours: { mon: odd, tue: even, wed: odd, thu: even, fri: odd, sat: even, sun: odd },
    }))
}

function agrees(clock: Clock, schedule: Schedule, dates: string[]): void {
  let lastEnd = -Infinity
  for (const date of dates) {
    const slots = slotsOfDay(schedule, date)
    expect(slots).toEqual(expectedSlots(clock, schedule, date))
    for (const slot of slots) {
      if (slot.start < lastEnd) throw new Error(`${new Date(slot.start).toISOString()} is listed twice (${date}, ${schedule.timezone})`)
      lastEnd = slot.end
    }
    for (const slot of [slots[0], slots[Math.floor(slots.length / 2)], slots.at(-1)])
      if (slot) expect(slotAt(schedule, slot.start)).toEqual(slot)
  }
}

function changesOf(zone: string): number[] {
  const changes: number[] = []
  let at: Temporal.ZonedDateTime | null = Temporal.Instant.fromEpochMilliseconds(FROM).toZonedDateTimeISO(zone)
  for (;;) {
    at = at.getTimeZoneTransition("next")
    if (!at || at.epochMilliseconds >= TO) return changes
    changes.push(at.epochMilliseconds)
  }
}

const minuteOfDay = (shown: string) => Number(shown.slice(11, 13)) * 60 + Number(shown.slice(14, 16))

function checkAround(zone: string, at: number, runs: number): void {
  const clock = clockOf(zone, at - 2 * DAY_MS - 2 * HOUR_MS, 5 * 24 + 2)
  const shownAt = (instant: number) => clock.shown[(instant - clock.from) / MINUTE_MS] ?? ""
  const [before, after] = [shownAt(at - MINUTE_MS), shownAt(at)]
  const first = [before, after].sort()[0]?.slice(0, 10) ?? ""
  const yesterday = new Date(Date.parse(first) - DAY_MS).toISOString().slice(0, 10)
  const dates = [yesterday, first, dateAfter(first)]
  fc.assert(
    fc.property(schedules(zone, [minuteOfDay(before) + 1, minuteOfDay(after)]), (schedule) => agrees(clock, schedule, dates)),
    { numRuns: runs },
  )
}

test("the clock changes that are tried are all that Intl's clocks show in five years", () => {
  for (const zone of ZONES) {
    const format = clockFormat(zone)
    const offsetAt = (instant: number) => offsetShown(format, instant)
    const changes = new Set(changesOf(zone).map((at) => Math.ceil(at / DAY_MS)))
    let offset = offsetAt(FROM)
    for (let at = FROM; at < TO; at += DAY_MS) {
      const now = offsetAt(at)
      if ((now !== offset) !== changes.has(at / DAY_MS)) throw new Error(`${zone} changes before ${new Date(at).toISOString()}`)
      offset = now
    }
  }
})

test("in every zone and around every clock change of five years, slots are exactly what a clock on the wall allows", () => {
  const changes = ZONES.flatMap((zone) => changesOf(zone).map((at) => ({ zone, at })))
  expect(changes.length).toBeGreaterThan(1_000)
  for (const { zone, at } of changes.toSorted((a, b) => a.at - b.at)) checkAround(zone, at, RUNS_A_CHANGE)
}, 60_000)

test("in every zone, slots of an ordinary day are exactly what a clock on the wall allows", () => {
  const [days] = fc.sample(
    fc.array(fc.integer({ min: FROM / DAY_MS, max: TO / DAY_MS }), { minLength: ZONES.length, maxLength: ZONES.length }),
    1,
  )
  for (const [index, zone] of ZONES.entries()) checkAround(zone, (days?.[index] ?? 0) * DAY_MS, 2)
}, 60_000)

test("clocks of the past that went back across midnight, skipped a day or lived one twice obey the same rule", () => {
  const cases: [string, string][] = [
    ["America/St_Johns", "2006-10-29T02:31Z"],
    ["Pacific/Apia", "2011-12-30T10:00Z"],
    ["Pacific/Kwajalein", "1993-08-21T12:00Z"],
    ["America/Toronto", "1947-09-28T05:01Z"],
    ["Africa/Cairo", "2010-08-10T21:00Z"],
    ["Asia/Pyongyang", "2018-05-04T15:00Z"],
    ["America/Caracas", "2016-05-01T07:00Z"],
  ]
  for (const [zone, at] of cases) checkAround(zone, Date.parse(at), 200)
})

test("every day from year 1 to 9999 in every zone answers, in order, and each slot is found again by its start", () => {
  const day = fc.integer({ min: Date.parse("0001-01-01") / DAY_MS, max: Date.parse("9999-12-31") / DAY_MS })
  const zone = fc.constantFrom(...ZONES, "+05:30", "-23:59", "+23:59", "utc", "US/Eastern", "Asia/Calcutta", "europe/paris")
  const always: WorkingHours["mon"] = [["00:00", "24:00"]]
  const workingHours = { mon: always, tue: always, wed: always, thu: always, fri: always, sat: always, sun: always }
  fc.assert(
    fc.property(zone, day, fc.integer({ min: 5, max: 240 }), (timezone, dayNumber, slotMinutes) => {
      const schedule = { timezone, slotMinutes, workingHours }
      const date = new Date(dayNumber * DAY_MS).toISOString().slice(0, 10)
      const slots = slotsOfDay(schedule, date)
      for (const [index, slot] of slots.entries()) {
        const before = slots[index - 1]
        if (before && slot.start < before.end) throw new Error(`overlap on ${date} in ${timezone}`)
      }
      for (const slot of slots.slice(0, 2)) {
        expect(dayOf(slot.start, timezone)).toBe(date)
        expect(slotAt(schedule, slot.start)).toEqual(slot)
      }
    }),
    { numRuns: 3_000 },
  )
})
