/** Calendar days, by Intl alone. */

const DAY_MS = 86_400_000
const formats = new Map<string, Intl.DateTimeFormat>()

/** The day of this instant there, as `YYYY-MM-DD`. */
export function dayOf(ms: number, timezone: string): string {
  // What en-CA writes is ISO 8601's order.
  const format = formats.get(timezone) ?? new Intl.DateTimeFormat("en-CA", { timeZone: timezone })
  formats.set(timezone, format)
  return format.format(ms)
}

export function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10)
}

/** From the first to the last day, both included. */
export function daysFrom(first: string, last: string): string[] {
  const count = Math.round((Date.parse(last) - Date.parse(first)) / DAY_MS) + 1
  return Array.from({ length: count }, (_, n) => addDays(first, n))
}

/** The first day of the month so many months later. */
export function monthOf(day: string, later = 0): string {
  const date = new Date(`${day.slice(0, 7)}-01`)
  date.setUTCMonth(date.getUTCMonth() + later)
  return date.toISOString().slice(0, 10)
}
