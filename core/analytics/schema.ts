import { z } from "zod"

export const Period = z.enum(["day", "week", "month", "3months", "year"])
export type Period = z.infer<typeof Period>

export const AnalyticsQuery = z.object({ period: Period.default("month") })

/** Figures of a stretch of days. */
export type Summary = {
  appointments: number
  completed: number
  cancelled: number
  noShow: number
  revenue: number
  currency: string
  /** Cancelled ÷ appointments, 4 decimals. */
  cancellationRate: number
  newPatients: number
}

export type Analytics = {
  period: Period
  /** Days in the doctor's zone, both included. */
  from: string
  to: string
  timezone: string
  computedAt: string
  summary: Summary
  previous: Summary
  revenueTrend: { date: string; revenue: number }[]
  appointmentTrend: { date: string; booked: number; completed: number; cancelled: number }[]
  patientGrowth: { date: string; newPatients: number; totalPatients: number }[]
}
