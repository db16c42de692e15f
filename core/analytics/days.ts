/** Days of a doctor's zone as stretches of time. Zones are computed here, never in SQL. */
import { dayOf, startOfDay } from "../doctors/schedule/zone.ts"

/** [starts, ends), in epoch seconds: Postgres does not read every year in the form that JavaScript writes. */
export type DayBounds = { day: string; starts: number; ends: number }

/** What both Temporal and Postgres write in four digits. No window reaches beyond. */
const PLAIN = /^(?!0000)\d{4}-\d{2}-\d{2}$/
const DAY_MS = 86_400_000
/** Zones are up to 14 hours ahead of UTC and 12 behind, so a day of UTC is part of its own, the day before and the day after. */
const NEIGHBOURS = [-1, 0, 1] as const

/** The days that hold the instants, each once, in order. */
export function daysOfInstants(instants: readonly Date[], timezone: string): DayBounds[] {
  return boundsOf(
    instants.map((at) => dayOf(at.getTime(), timezone)),
    timezone,
  )
}

/** Every day of the zone that touches one of these days of UTC, counted from the epoch. */
export function daysOfUtcDays(utcDays: readonly number[], timezone: string): DayBounds[] {
  const days = new Set(utcDays.flatMap((n) => NEIGHBOURS.map((by) => n + by)))
  return boundsOf(
    Array.from(days, (n) =>
      Temporal.Instant.fromEpochMilliseconds(n * DAY_MS)
        .toZonedDateTimeISO("UTC")
        .toPlainDate()
        .toString(),
    ),
    timezone,
  )
}

/** `count` days up to and with `last`, in order. */
export function daysUpTo(last: Temporal.PlainDate, count: number, timezone: string): DayBounds[] {
  return boundsOf(
    Array.from({ length: count }, (_, n) => last.subtract({ days: n }).toString()),
    timezone,
  )
}

export function today(timezone: string, now: number): Temporal.PlainDate {
  return Temporal.PlainDate.from(dayOf(now, timezone))
}

function boundsOf(days: readonly string[], timezone: string): DayBounds[] {
  const known = [...new Set(days)].filter((day) => PLAIN.test(day)).sort()
  return known.map((day) => {
    const date = Temporal.PlainDate.from(day)
    return { day, starts: secondsOf(date, timezone), ends: secondsOf(date.add({ days: 1 }), timezone) }
  })
}

function secondsOf(day: Temporal.PlainDate, timezone: string): number {
  return startOfDay(day, timezone).epochMilliseconds / 1000
}
