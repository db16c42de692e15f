/** Time zones and calendar days. A day is [first instant that reads its date, first instant that reads the next): every instant is in one day. */
import zoneAt from "@photostructure/tz-lookup"
import { z } from "zod"
import { Refusal } from "../../errors.ts"
import { isTimeZone } from "../../time.ts"

const DEGREES_AN_HOUR = 15
/** What the library names, and whether this runtime knows it: bounded by the library's list of some 430 zones. */
const known = new Map<string, boolean>()

/** The zone of a place. Where the library is newer than the runtime's zone data, the nautical zone stands in. */
export function zoneOf(latitude: number, longitude: number): string {
  const name = zoneAt(latitude, longitude)
  const usable = known.get(name) ?? isTimeZone(name)
  known.set(name, usable)
  return usable ? name : nauticalZone(longitude)
}

/** The `Etc` names count westward, so their sign is turned round. */
function nauticalZone(longitude: number): string {
  const hours = Math.round(longitude / DEGREES_AN_HOUR)
  return hours === 0 ? "Etc/GMT" : `Etc/GMT${hours > 0 ? "-" : "+"}${Math.abs(hours)}`
}

/** The first instant that reads the day's date; of a date the zone left out, the first that reads a later one. */
export function startOfDay(day: Temporal.PlainDate, timezone: string): Temporal.ZonedDateTime {
  return day.toZonedDateTime(timezone)
}

/** The day that holds the instant. Not simply the date it reads: clocks that go back across midnight read yesterday's once more. */
export function dayOf(instantMs: number, timezone: string): string {
  const read = Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(timezone).toPlainDate()
  const next = read.add({ days: 1 })
  return (instantMs < startOfDay(next, timezone).epochMilliseconds ? read : next).toString()
}

const DATE = /^\d{4}-\d{2}-\d{2}$/
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/i
const YEAR_ZERO = "0000"

function isDayOrInstant(text: string): boolean {
  if (text.startsWith(YEAR_ZERO)) return false
  try {
    if (DATE.test(text)) return Boolean(Temporal.PlainDate.from(text))
    return INSTANT.test(text) && Boolean(Temporal.Instant.from(text))
  } catch {
    return false
  }
}

/** The query of an availability call. Kept as given: only the doctor's zone can tell an instant's day. */
export const AvailabilityQuery = z.object({
  date: z
    .string({ error: "must be a day (YYYY-MM-DD) or an instant (RFC 3339)" })
    .refine(isDayOrInstant, { error: "must be a real day (YYYY-MM-DD) or an instant (RFC 3339, with Z or an offset)" })
    .meta({ description: "A day in the doctor's zone, or an instant, read as its day there.", example: "2026-03-29" }),
})
export type AvailabilityQuery = z.infer<typeof AvailabilityQuery>

/** The day meant by a valid `AvailabilityQuery.date`; throws a Refusal where the zone moves an instant out of the years 0001 to 9999. */
export function dayIn(timezone: string, dateOrInstant: string): string {
  if (DATE.test(dateOrInstant)) return dateOrInstant
  const day = dayOf(Temporal.Instant.from(dateOrInstant).epochMilliseconds, timezone)
  if (DATE.test(day) && !day.startsWith(YEAR_ZERO)) return day
  const message = "lies outside the years 0001 to 9999 in the doctor's zone"
  throw new Refusal("malformed", `date: ${message}`, { issues: [{ path: "date", message }] })
}
