/**
 * The one definition of a slot, for availability and booking alike. An interval of working hours runs from the earliest
 * instant that reads its start to the latest that reads its end, and slots step through it by elapsed time; so it holds on
 * the days when clocks change, in every zone.
 */
import type { WorkingHours, WorkingInterval } from "./working-hours.ts"
import { dayOf, startOfDay } from "./zone.ts"

export type Schedule = { timezone: string; slotMinutes: number; workingHours: WorkingHours }
/** Epoch milliseconds, [start, end). */
export type Slot = { start: number; end: number }

const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const MS_NS = 1_000_000
/** How far beyond a day its readings are sought: clocks have gone back by at most one day (Alaska and Manila, when they changed sides). */
const LARGEST_STEP_BACK_MS = 24 * HOUR_MS
/** RFC 3339 cannot write the year 10000 nor one before 0000, so no slot lies there. */
const FIRST_INSTANT_MS = Date.parse("0000-01-01T00:00:00Z")
const LAST_INSTANT_MS = Date.parse("9999-12-31T23:59:59.999Z")

/** A day of a schedule: [from, until), and the working time in it. */
type Day = { from: number; until: number; working: Slot[] }

/** Two weeks: most bookings of a doctor are for the same few days. Some 100 bytes each. */
const DAYS_REMEMBERED = 14
/** Of each schedule, newest first: a day costs thirty times what a look at it does. */
const remembered = new WeakMap<Schedule, Day[]>()

/** All slots of a day (YYYY-MM-DD) in the schedule's zone, taken or not, in order. */
export function slotsOfDay(schedule: Schedule, date: string): Slot[] {
  const stepMs = schedule.slotMinutes * MINUTE_MS
  const slots: Slot[] = []
  for (const { start, end } of dayOn(schedule, date).working)
    for (let at = start; at + stepMs <= end; at += stepMs) slots.push({ start: at, end: at + stepMs })
  return slots
}

/** The slot that starts at exactly that instant. The schedule, once given, does not change. */
export function slotAt(schedule: Schedule, startMs: number): Slot | undefined {
  if (!(startMs >= FIRST_INSTANT_MS && startMs <= LAST_INSTANT_MS)) return undefined
  const stepMs = schedule.slotMinutes * MINUTE_MS
  const end = startMs + stepMs
  const isSlot = (working: Slot) => startMs >= working.start && end <= working.end && (startMs - working.start) % stepMs === 0
  return dayAt(schedule, startMs).working.some(isSlot) ? { start: startMs, end } : undefined
}

/** The day that holds the instant. */
function dayAt(schedule: Schedule, instantMs: number): Day {
  const days = remembered.get(schedule) ?? []
  const known = days.find(({ from, until }) => from <= instantMs && instantMs < until)
  if (known) return known
  const day = dayOn(schedule, dayOf(instantMs, schedule.timezone))
  remembered.set(schedule, [day, ...days.slice(0, DAYS_REMEMBERED - 1)])
  return day
}

function dayOn({ timezone, workingHours }: Schedule, date: string): Day {
  const day = Temporal.PlainDate.from(date)
  const first = startOfDay(day, timezone)
  const until = startOfDay(day.add({ days: 1 }), timezone).epochMilliseconds
  const intervals = workingHours[WEEKDAYS[day.dayOfWeek - 1] ?? "mon"] ?? []
  const working = intervals.length === 0 ? [] : workingTime(intervals, day, first, until)
  return {
    from: first.epochMilliseconds,
    until,
    working: working.map(({ start, end }) => ({ start, end: Math.min(end, LAST_INSTANT_MS) })),
  }
}

/** The slots that overlap nothing that is taken. Both are in order, and what is taken is disjoint. */
export function freeOf(slots: readonly Slot[], taken: readonly Slot[]): Slot[] {
  let index = 0
  return slots.filter((slot) => {
    let next = taken[index]
    while (next && next.end <= slot.start) next = taken[++index]
    return !next || next.start >= slot.end
  })
}

/** The day's intervals as instants: cut to the day, empty ones left out, overlapping ones merged (touching ones not). */
function workingTime(intervals: readonly WorkingInterval[], day: Temporal.PlainDate, first: Temporal.ZonedDateTime, until: number): Slot[] {
  const midnightMs = Date.parse(`${day}T00:00Z`)
  const stretches = evenStretches(first, until + LARGEST_STEP_BACK_MS)
  const merged: Slot[] = []
  for (const [from, to] of intervals) {
    const start = earliest(stretches, midnightMs + timeOfDayMs(from))
    const end = Math.min(latest(stretches, midnightMs + timeOfDayMs(to)), until)
    const before = merged.at(-1)
    if (start >= end) continue
    if (before && start < before.end) before.end = Math.max(before.end, end)
    else merged.push({ start, end })
  }
  return merged
}

/** "HH:MM", 24:00 included. */
function timeOfDayMs(time: string): number {
  return Number(time.slice(0, 2)) * HOUR_MS + Number(time.slice(3)) * MINUTE_MS
}

/** A stretch of time, [from, to), in which the clock runs evenly: what it reads is the instant plus the offset. */
type Stretch = { from: number; to: number; offsetMs: number }

function evenStretches(first: Temporal.ZonedDateTime, untilMs: number): Stretch[] {
  const stretches: Stretch[] = []
  let at: Temporal.ZonedDateTime | null = first
  while (at && at.epochMilliseconds < untilMs) {
    const change: Temporal.ZonedDateTime | null = at.getTimeZoneTransition("next")
    const to = Math.min(change?.epochMilliseconds ?? untilMs, untilMs)
    stretches.push({ from: at.epochMilliseconds, to, offsetMs: at.offsetNanoseconds / MS_NS })
    at = change
  }
  return stretches
}

/** Local times are written as the instant at which a clock in UTC would read them. */
function earliest(stretches: readonly Stretch[], localMs: number): number {
  const stretch = stretches.find((it) => reads(it, localMs))
  return stretch ? localMs - stretch.offsetMs : gap(stretches, localMs)
}

function latest(stretches: readonly Stretch[], localMs: number): number {
  const stretch = stretches.findLast((it) => reads(it, localMs))
  return stretch ? localMs - stretch.offsetMs : gap(stretches, localMs)
}

function reads({ from, to, offsetMs }: Stretch, localMs: number): boolean {
  return from + offsetMs <= localMs && localMs < to + offsetMs
}

/** The instant at which clocks jumped over a time that is never read. */
function gap(stretches: readonly Stretch[], localMs: number): number {
  const after = stretches.find(({ from, offsetMs }) => from + offsetMs > localMs)
  return after?.from ?? stretches.at(-1)?.to ?? localMs
}
