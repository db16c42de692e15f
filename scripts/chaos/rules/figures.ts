/** A doctor's figures as the contract has them, counted from the rows, one by one. */
import type { AppointmentRow, PaymentRow } from "../evidence.ts"
import { addDays, dayOf, daysFrom, monthOf } from "./days.ts"

const DAYS: Record<string, number> = { day: 1, week: 7, month: 30, "3months": 90 }
const MONTHS = 12

type Moment = { day: string; booked: number; completed: number; cancelled: number; noShow: number; newPatients: number; cents: number }

/** What is to be answered on this day; all amounts are dollars. */
export function figuresOn(
  today: string,
  { period, timezone }: { period: string; timezone: string },
  rows: { appointments: AppointmentRow[]; payments: PaymentRow[] },
): Record<string, unknown> {
  const moments = momentsOf(rows, timezone)
  const isYear = period === "year"
  const from = isYear ? monthOf(today, 1 - MONTHS) : addDays(today, 1 - (DAYS[period] ?? 0))
  const previousFrom = isYear ? monthOf(from, -MONTHS) : addDays(from, -(DAYS[period] ?? 0))
  const within = (first: string, last: string) => moments.filter(({ day }) => first <= day && day <= last)
  const points = isYear ? Array.from({ length: MONTHS }, (_, n) => monthOf(from, n)) : daysFrom(from, today)
  const lastOf = (date: string) => (isYear ? earlier(addDays(monthOf(date, 1), -1), today) : date)
  const trend = <T>(of: (sums: ReturnType<typeof sumsOf>) => T) =>
    points.map((date) => ({ date, ...of(sumsOf(within(date, lastOf(date)))) }))
  return {
    period,
    from,
    to: today,
    timezone,
    summary: summaryOf(within(from, today)),
    previous: summaryOf(within(previousFrom, addDays(from, -1))),
    revenueTrend: trend(({ cents }) => ({ revenue: cents / 100 })),
    appointmentTrend: trend(({ booked, completed, cancelled }) => ({ booked, completed, cancelled })),
    patientGrowth: trend(({ newPatients }) => ({ newPatients })).map((point) => ({
      ...point,
      totalPatients: sumsOf(within("", lastOf(point.date))).newPatients,
    })),
  }
}

const earlier = (a: string, b: string) => (a < b ? a : b)

/** Each thing that counts, on its day. Who was rejected was never there. */
function momentsOf({ appointments, payments }: { appointments: AppointmentRow[]; payments: PaymentRow[] }, timezone: string): Moment[] {
  const booked = appointments.filter((row) => row.status !== "REJECTED").toSorted((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1))
  const seen = new Set<string>()
  const visits = booked.map(({ patientId, start, status }) => {
    const isFirst = !seen.has(patientId)
    seen.add(patientId)
    const is = (what: string) => Number(status === what)
    const [completed, cancelled, noShow] = [is("COMPLETED"), is("CANCELLED"), is("NO_SHOW")]
    return { day: dayOf(start, timezone), booked: 1, completed, cancelled, noShow, newPatients: Number(isFirst), cents: 0 }
  })
  const money = payments.flatMap(({ amount, paidAt, refundedAt }) => {
    const cents = Math.round(Number(amount) * 100)
    return [
      ...(paidAt === null ? [] : [paid(paidAt, cents, timezone)]),
      ...(refundedAt === null ? [] : [paid(refundedAt, -cents, timezone)]),
    ]
  })
  return [...visits, ...money]
}

function paid(at: number, cents: number, timezone: string): Moment {
  return { day: dayOf(at, timezone), booked: 0, completed: 0, cancelled: 0, noShow: 0, newPatients: 0, cents }
}

function sumsOf(moments: Moment[]): Omit<Moment, "day"> {
  const sums = { booked: 0, completed: 0, cancelled: 0, noShow: 0, newPatients: 0, cents: 0 }
  for (const moment of moments) for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += moment[name]
  return sums
}

function summaryOf(moments: Moment[]): Record<string, unknown> {
  const { booked: appointments, completed, cancelled, noShow, newPatients, cents } = sumsOf(moments)
  const cancellationRate = appointments === 0 ? 0 : Math.round((cancelled / appointments) * 10_000) / 10_000
  return { appointments, completed, cancelled, noShow, revenue: cents / 100, currency: "USD", cancellationRate, newPatients }
}
