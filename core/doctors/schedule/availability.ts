/** Which slots can be booked: the rules that availability and booking share. */
import { z } from "zod"
import type { Db } from "../../db.ts"
import { invalid, notFound } from "../../errors.ts"
import { EXAMPLES } from "../../examples.ts"
import { dayText, idText, instantText } from "../../fields.ts"
import { instant } from "../../time.ts"
import { findScheduleWithTaken, listTaken } from "./queries.ts"
import { freeOf, type Schedule, type Slot, slotAt, slotsOfDay } from "./slots.ts"
import { SlotMinutes } from "./working-hours.ts"
import { dayIn, dayOf } from "./zone.ts"

export const Availability = z
  .object({
    doctorId: idText,
    date: dayText,
    timezone: z.string(),
    slotMinutes: SlotMinutes,
    slots: z.array(z.object({ start: instantText, end: instantText })).meta({ description: "Those that can be booked now." }),
  })
  .meta({
    id: "Availability",
    examples: [
      {
        doctorId: EXAMPLES.doctorId,
        date: EXAMPLES.day,
        timezone: EXAMPLES.timezone,
        slotMinutes: 30,
        slots: [
          { start: EXAMPLES.start, end: EXAMPLES.end },
          { start: EXAMPLES.nextStart, end: EXAMPLES.nextEnd },
        ],
      },
    ],
  })
export type Availability = z.infer<typeof Availability>

const DAY_MS = 24 * 60 * 60 * 1000
/** Zones are less than a day away from UTC and a day lasts at most two, so two days each way hold any day that is meant. */
const WINDOW_MS = 2 * DAY_MS
/** A patient who is refused a slot wants one soon; most doctors have one within a week, and after two months we stop looking. */
const SEARCH_DAYS = [7, 53] as const

/**
 * The day's slots that can be booked at `now` (epoch ms). `date` is a valid `AvailabilityQuery.date`: a day in the doctor's
 * zone, or an instant. An inactive doctor has none. Throws a Refusal for an unknown doctor; one round trip.
 */
export async function findAvailability(db: Db, doctorId: string, date: string, now: number): Promise<Availability> {
  const aboutMs = Temporal.Instant.from(date.length === "YYYY-MM-DD".length ? `${date}T00:00Z` : date).epochMilliseconds
  const doctor = await findScheduleWithTaken(db, doctorId, aboutMs - WINDOW_MS, aboutMs + WINDOW_MS)
  if (!doctor) throw notFound("doctor")
  const { timezone, slotMinutes } = doctor
  const day = dayIn(timezone, date)
  const free = doctor.active ? freeFrom(now, doctor, day, doctor.taken) : []
  const slots = free.map(({ start, end }) => ({ start: instant(new Date(start)), end: instant(new Date(end)) }))
  return { doctorId: doctor.doctorId, date: day, timezone, slotMinutes, slots }
}

/** The next free slots that start at or after `after` and are not past, at most `count` of them, looked for through SEARCH_DAYS. */
export async function nextFreeSlots(db: Db, doctorId: string, schedule: Schedule, after: number, now: number, count = 3): Promise<Slot[]> {
  const earliest = Math.max(after, now)
  const found: Slot[] = []
  let day = Temporal.PlainDate.from(dayOf(earliest, schedule.timezone))
  for (const days of SEARCH_DAYS) {
    const fromMs = Date.parse(`${day}T00:00Z`)
    const taken = await listTaken(db, doctorId, fromMs - WINDOW_MS, fromMs + days * DAY_MS + WINDOW_MS)
    for (let n = 0; n < days && found.length < count; n++, day = day.add({ days: 1 }))
      found.push(...freeFrom(earliest, schedule, day.toString(), taken))
    if (found.length >= count) break
  }
  return found.slice(0, count)
}

/** The slot that an asked start means; throws a Refusal that says why there is none. Whether it is taken, the database decides. */
export function bookableSlot(schedule: Schedule & { active: boolean }, startMs: number, now: number): Slot {
  if (!schedule.active) throw invalid("scheduledAt", "this doctor takes no bookings at present")
  if (startMs < now) throw invalid("scheduledAt", "lies in the past")
  const slot = slotAt(schedule, startMs)
  if (!slot) throw invalid("scheduledAt", "is not the start of a slot within the doctor's working hours")
  return slot
}

function freeFrom(earliest: number, schedule: Schedule, day: string, taken: readonly Slot[]): Slot[] {
  return freeOf(
    slotsOfDay(schedule, day).filter((slot) => slot.start >= earliest),
    taken,
  )
}
