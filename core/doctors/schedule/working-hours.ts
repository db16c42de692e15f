/** When a doctor works: a week of local wall times, as the contract writes it. */
import { z } from "zod"

/** Ends of a day's work and breaks between them; twenty-four is more than any real day has, and bounds every calculation. */
const MAX_INTERVALS_A_DAY = 24
const MIN_SLOT_MINUTES = 5
const MAX_SLOT_MINUTES = 240

/** `abort`: a day whose times are malformed is not also judged by their order. */
const Start = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: "must be a local time from 00:00 to 23:59", abort: true })
const End = z.string().regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, { error: "must be a local time from 00:00 to 24:00", abort: true })

const Interval = z.tuple([Start, End])

/** Times of this form sort as text does. */
const Day = z
  .array(Interval)
  .max(MAX_INTERVALS_A_DAY)
  .superRefine((intervals, context) => {
    for (const [index, [start, end]] of intervals.entries()) {
      const before = intervals[index - 1]
      if (start >= end) context.addIssue({ code: "custom", path: [index], message: `${start} must be before ${end}` })
      if (before && start < before[1])
        context.addIssue({
          code: "custom",
          path: [index, 0],
          message: `${start} must not be before ${before[1]}, the end of the interval before`,
        })
    }
  })

/** `{"mon": [["09:00", "12:30"], ["14:00", "18:00"]], …}`: ordered, disjoint, touching allowed; a missing day is closed. */
export const WorkingHours = z
  .strictObject({
    mon: Day.optional(),
    tue: Day.optional(),
    wed: Day.optional(),
    thu: Day.optional(),
    fri: Day.optional(),
    sat: Day.optional(),
    sun: Day.optional(),
  })
  .meta({
    id: "WorkingHours",
    description: "Local wall times, each interval `[start, end]`, ordered and disjoint; a missing day is closed.",
    examples: [
      {
        mon: [
          ["09:00", "12:30"],
          ["13:30", "24:00"],
        ],
        tue: [],
      },
    ],
  })
export type WorkingHours = z.infer<typeof WorkingHours>
export type WorkingInterval = z.infer<typeof Interval>

export const SlotMinutes = z.int().min(MIN_SLOT_MINUTES).max(MAX_SLOT_MINUTES)
