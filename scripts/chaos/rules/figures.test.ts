import { expect, test } from "bun:test"
import type { PaymentRow } from "../evidence.ts"
import { appointment } from "../sound.ts"
import { figuresOn } from "./figures.ts"

const visit = (id: string, at: string, status: string, patientId = "p") => ({
  ...appointment(id, 0, { status, patientId }),
  start: Date.parse(at),
})
const payment = (amount: string, paidAt: string, refundedAt: string | null = null): PaymentRow => {
  const ids = { id: "m", appointmentId: null, doctorId: "d", patientId: "p", clinicId: "c", createdAt: 1 }
  return { ...ids, amount, status: "COMPLETED", paidAt: Date.parse(paidAt), refundedAt: refundedAt && Date.parse(refundedAt) } as PaymentRow
}

/** In Delhi a day begins at half past six in the evening of the day before. */
const rows = {
  appointments: [
    visit("a", "2029-06-30T18:29:00Z", "COMPLETED"),
    visit("b", "2030-01-31T18:30:00Z", "CANCELLED"),
    visit("c", "2030-02-01T10:00:00Z", "NO_SHOW", "p2"),
    visit("x", "2030-01-31T19:00:00Z", "REJECTED", "p3"),
    visit("d", "2030-02-02T10:00:00Z", "COMPLETED", "p3"),
    visit("e", "2030-02-03T10:00:00Z", "PENDING", "p4"),
  ],
  payments: [payment("1.1000", "2030-01-30T10:00:00Z", "2030-02-01T10:00:00Z"), payment("0.3000", "2030-02-01T18:29:59Z")],
}
const delhi = (period: string) => ({ period, timezone: "Asia/Kolkata" })
const none = { appointments: 0, completed: 0, cancelled: 0, noShow: 0, revenue: 0, currency: "USD", cancellationRate: 0, newPatients: 0 }

test("figures of a week are those of seven days in the doctor's zone, and of the seven before", () => {
  const figures = figuresOn("2030-02-02", delhi("week"), rows)
  expect([figures.from, figures.to]).toEqual(["2030-01-27", "2030-02-02"])
  expect(figures.summary).toEqual({
    ...none,
    appointments: 3,
    completed: 1,
    cancelled: 1,
    noShow: 1,
    revenue: 0.3,
    cancellationRate: 0.3333,
    newPatients: 2,
  })
  expect(figures.previous).toEqual(none)
  expect((figures.revenueTrend as unknown[]).slice(3)).toEqual([
    { date: "2030-01-30", revenue: 1.1 },
    { date: "2030-01-31", revenue: 0 },
    { date: "2030-02-01", revenue: -0.8 },
    { date: "2030-02-02", revenue: 0 },
  ])
  expect((figures.patientGrowth as unknown[]).slice(4)).toEqual([
    { date: "2030-01-31", newPatients: 0, totalPatients: 1 },
    { date: "2030-02-01", newPatients: 1, totalPatients: 2 },
    { date: "2030-02-02", newPatients: 1, totalPatients: 3 },
  ])
})

test("figures of a year are those of twelve months, the last of them until today", () => {
  const figures = figuresOn("2030-02-02", delhi("year"), rows)
  expect([figures.from, figures.to]).toEqual(["2029-03-01", "2030-02-02"])
  expect((figures.appointmentTrend as unknown[]).filter((p) => (p as { booked: number }).booked > 0)).toEqual([
    { date: "2029-06-01", booked: 1, completed: 1, cancelled: 0 },
    { date: "2030-02-01", booked: 3, completed: 1, cancelled: 1 },
  ])
  expect(figures.appointmentTrend as unknown[]).toHaveLength(12)
  expect(figuresOn("2031-01-05", delhi("year"), rows).previous).toEqual({
    ...none,
    appointments: 1,
    completed: 1,
    newPatients: 1,
    revenue: 1.1,
  })
})
