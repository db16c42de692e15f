/** What a period means on a day. */
import type { Period } from "./schema.ts"

/** Days, both included. `unit` is what a point of a trend stands for; a month's date is its first day. */
export type Window = {
  unit: "day" | "month"
  from: Temporal.PlainDate
  to: Temporal.PlainDate
  previousFrom: Temporal.PlainDate
  previousTo: Temporal.PlainDate
}

const DAYS = { day: 1, week: 7, month: 30, "3months": 90 } as const
const MONTHS = 12

export function windowOf(period: Period, today: Temporal.PlainDate): Window {
  if (period === "year") {
    const from = today.with({ day: 1 }).subtract({ months: MONTHS - 1 })
    return window("month", from, today, from.subtract({ months: MONTHS }))
  }
  const from = today.subtract({ days: DAYS[period] - 1 })
  return window("day", from, today, from.subtract({ days: DAYS[period] }))
}

function window(unit: Window["unit"], from: Temporal.PlainDate, to: Temporal.PlainDate, previousFrom: Temporal.PlainDate): Window {
  return { unit, from, to, previousFrom, previousTo: from.subtract({ days: 1 }) }
}

/** The date of every point of the window's trends, in order. */
export function pointsOf({ unit, from, to }: Window): string[] {
  const dates: string[] = []
  for (let date = from; Temporal.PlainDate.compare(date, to) <= 0; date = date.add({ [`${unit}s`]: 1 })) dates.push(date.toString())
  return dates
}
