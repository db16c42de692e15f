import { z } from "zod"
import { EXAMPLES } from "../examples.ts"
import { dayText, instantText } from "../fields.ts"

export const Period = z.enum(["day", "week", "month", "3months", "year"])
export type Period = z.infer<typeof Period>

export const AnalyticsQuery = z.object({
  period: Period.default("month").meta({ description: "Ends today, in the doctor's zone.", example: "week" }),
})

const count = z.int().min(0)
const EXAMPLE_SUMMARY = {
  appointments: 3,
  completed: 2,
  cancelled: 1,
  noShow: 0,
  revenue: 300,
  currency: "USD",
  cancellationRate: 0.3333,
  newPatients: 1,
}

/** Figures of a stretch of days. */
export const Summary = z
  .object({
    appointments: count,
    completed: count,
    cancelled: count,
    noShow: count,
    revenue: z.number(),
    currency: z.string(),
    cancellationRate: z.number().min(0).max(1).meta({ description: "Cancelled ÷ appointments, 4 decimals." }),
    newPatients: count,
  })
  .meta({ id: "AnalyticsSummary", examples: [EXAMPLE_SUMMARY] })
export type Summary = z.infer<typeof Summary>

export const Analytics = z
  .object({
    period: Period,
    from: dayText.meta({ description: "The first day, in the doctor's zone." }),
    to: dayText.meta({ description: "The last day, today." }),
    timezone: z.string(),
    computedAt: instantText.meta({ description: "Every change that was committed before this is counted, on whatever day." }),
    summary: Summary,
    previous: Summary.meta({ description: "The same for the equally long stretch before." }),
    revenueTrend: z.array(z.object({ date: dayText, revenue: z.number() })),
    appointmentTrend: z.array(z.object({ date: dayText, booked: count, completed: count, cancelled: count })),
    patientGrowth: z.array(z.object({ date: dayText, newPatients: count, totalPatients: count })),
  })
  .meta({
    id: "Analytics",
    examples: [
      {
        period: "day",
        from: EXAMPLES.day,
        to: EXAMPLES.day,
        timezone: EXAMPLES.timezone,
        computedAt: EXAMPLES.changedAt,
        summary: EXAMPLE_SUMMARY,
        previous: { ...EXAMPLE_SUMMARY, revenue: 150 },
        revenueTrend: [{ date: EXAMPLES.day, revenue: 300 }],
        appointmentTrend: [{ date: EXAMPLES.day, booked: 3, completed: 2, cancelled: 1 }],
        patientGrowth: [{ date: EXAMPLES.day, newPatients: 1, totalPatients: 214 }],
      },
    ],
  })
export type Analytics = z.infer<typeof Analytics>
