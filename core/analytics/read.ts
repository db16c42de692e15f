import type { Db } from "../db.ts"
import { currencyDecimals } from "../fields.ts"
import { instant } from "../time.ts"
import { today } from "./days.ts"
import { pointsOf, windowOf } from "./period.ts"
import { findZone, type Point, type Read, readDays } from "./queries.ts"
import type { Analytics, Period, Summary } from "./schema.ts"

/** A zone that changes between two reads is read again; one that changes faster than this is answered as it was. */
const ATTEMPTS = 3
const RATE_DECIMALS = 4

/** The doctor's figures at `now` (epoch ms), from the rollups alone; days are of the zone that these were made in. */
export async function readAnalytics(db: Db, doctorId: string, period: Period, now: number): Promise<Analytics> {
  let { timezone } = await findZone(db, doctorId)
  for (let attempt = 1; ; attempt++) {
    const window = windowOf(period, today(timezone, now))
    const read = await readDays(db, doctorId, window.unit, window.previousFrom.toString(), window.to.toString())
    if (read.timezone === timezone || attempt === ATTEMPTS) return analytics(period, window, read)
    timezone = read.timezone
  }
}

function analytics(period: Period, window: ReturnType<typeof windowOf>, read: Read): Analytics {
  const scale = 10 ** currencyDecimals(read.currency)
  const from = window.from.toString()
  const known = new Map(read.points.map((point) => [point.date, point]))
  const points = pointsOf(window).map((date) => known.get(date) ?? zero(date))
  const summary = (of: Point[]) => summarize(of, read.currency, scale)
  return {
    period,
    from,
    to: window.to.toString(),
    timezone: read.timezone,
    computedAt: instant(read.computedAt),
    summary: summary(points),
    previous: summary(read.points.filter((point) => point.date < from)),
    revenueTrend: points.map(({ date, revenue }) => ({ date, revenue: revenue / scale })),
    appointmentTrend: points.map(({ date, booked, completed, cancelled }) => ({ date, booked, completed, cancelled })),
    patientGrowth: growth(points, read.patientsByThen),
  }
}

function zero(date: string): Point {
  return { date, booked: 0, completed: 0, cancelled: 0, noShow: 0, newPatients: 0, revenue: 0 }
}

function summarize(points: Point[], currency: string, scale: number): Summary {
  const sum = (of: (point: Point) => number) => points.reduce((total, point) => total + of(point), 0)
  const appointments = sum((p) => p.booked)
  const cancelled = sum((p) => p.cancelled)
  return {
    appointments,
    completed: sum((p) => p.completed),
    cancelled,
    noShow: sum((p) => p.noShow),
    // Minor units are added, so that a sum is exact and the division gives the nearest number there is.
    revenue: sum((p) => p.revenue) / scale,
    currency,
    cancellationRate: appointments === 0 ? 0 : Number((cancelled / appointments).toFixed(RATE_DECIMALS)),
    newPatients: sum((p) => p.newPatients),
  }
}

/** Counted back from how many there are at the end. */
function growth(points: Point[], patientsByThen: number): Analytics["patientGrowth"] {
  let totalPatients = patientsByThen
  const reversed = points.toReversed().map(({ date, newPatients }) => {
    const point = { date, newPatients, totalPatients }
    totalPatients -= newPatients
    return point
  })
  return reversed.reverse()
}
