/** The appointments of today at each clinic, remembered: most of a day is as it was when it was last asked for. */
import { LRUCache } from "lru-cache"
import { listAppointments, listAppointmentsById } from "../appointments/queries.ts"
import type { Appointment } from "../appointments/schema.ts"
import type { Db } from "../db.ts"
import { dayOf, startOfDay } from "../doctors/schedule/zone.ts"
import { notFound } from "../errors.ts"
import { CHANGED_MAX, type MarkedRows, refreshed } from "../marked-rows.ts"
import { findDayState, findTimezone } from "./queries.ts"

/** Some 250 kB each. */
const CLINICS_MAX = 200
/** From about so many on, the whole day is read faster than they are one by one. */
const SINGLY_MAX = 150
/** A day of some hundred doctors. */
const CLINIC_DAY_MAX = 10_000
/** A clinic whose zone has changed is read again; one that changes faster than this is answered as it was. */
const ATTEMPTS = 3

/** `text`: the appointment as JSON. */
export type BookedVisit = Pick<Appointment, "id" | "patientId" | "status" | "scheduledAt"> & { text: string }
type Day = { date: string; from: Date; to: Date }
type Remembered = Day & { timezone: string; visits: MarkedRows<BookedVisit> }

export class DayBook {
  readonly #days = new LRUCache<string, Remembered>({ max: CLINICS_MAX })

  /** Today in the clinic's zone: the appointments that begin in it, by time, then id. */
  async today(db: Db, clinicId: string, now: number): Promise<{ date: string; appointments: readonly BookedVisit[] }> {
    for (let attempt = 1; ; attempt++) {
      const remembered = this.#days.get(clinicId)
      const timezone = remembered?.timezone ?? (await findTimezone(db, clinicId))
      if (timezone === undefined) throw notFound("clinic")
      const day = dayIn(timezone, now)
      const before = remembered && isSame(remembered, day) ? remembered.visits : undefined
      const state = await findDayState(db, clinicId, { ...day, since: before?.horizon ?? null, changedMax: CHANGED_MAX })
      if (!state) throw notFound("clinic")
      if (state.timezone !== timezone && attempt < ATTEMPTS) {
        this.#days.delete(clinicId)
        continue
      }
      const visits = await refreshed(before, state, (ids) => read(db, clinicId, day, ids), byTime)
      this.#days.set(clinicId, { ...day, timezone, visits })
      return { date: day.date, appointments: visits.rows }
    }
  }
}

function dayIn(timezone: string, now: number): Day {
  const date = dayOf(now, timezone)
  const day = Temporal.PlainDate.from(date)
  const startOf = (d: Temporal.PlainDate) => new Date(startOfDay(d, timezone).epochMilliseconds)
  return { date, from: startOf(day), to: startOf(day.add({ days: 1 })) }
}

function isSame(a: Day, b: Day): boolean {
  return a.from.getTime() === b.from.getTime() && a.to.getTime() === b.to.getTime()
}

async function read(db: Db, clinicId: string, { from, to }: Day, ids: string[]): Promise<BookedVisit[]> {
  const appointments =
    ids.length > SINGLY_MAX
      ? await listAppointments(db, { clinicId }, { from, to, limit: CLINIC_DAY_MAX })
      : (await listAppointmentsById(db, ids)).filter((a) => isWithin(new Date(a.scheduledAt), from, to))
  return appointments.map((a) => ({
    id: a.id,
    patientId: a.patientId,
    status: a.status,
    scheduledAt: a.scheduledAt,
    text: JSON.stringify(a),
  }))
}

/** One may have left the day since it was found in it. */
const isWithin = (at: Date, from: Date, to: Date) => from <= at && at < to

const byTime = (a: BookedVisit, b: BookedVisit) => compare(a.scheduledAt, b.scheduledAt) || compare(a.id, b.id)
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
