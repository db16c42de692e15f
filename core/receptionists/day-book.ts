/**
 * The appointments of today, remembered: most of a clinic's day is as it was when it was last asked for. An appointment is read again when
 * its mark is no longer that of the rows or its patient has changed, so memory saves the reading and can never be wrong.
 */
import { LRUCache } from "lru-cache"
import { listAppointments } from "../appointments/queries.ts"
import type { Appointment } from "../appointments/schema.ts"
import type { Db } from "../db.ts"
import { dayOf, startOfDay } from "../doctors/schedule/zone.ts"
import { notFound } from "../errors.ts"
import { findDayState, listDayMarks } from "./queries.ts"

/** Some 250 kB each. */
const CLINICS_MAX = 200
/** From about so many on, the whole day is read faster than they are one by one. */
const SINGLY_MAX = 150
/** A day of some hundred doctors. */
const CLINIC_DAY_MAX = 10_000
/** When more patients have changed since, as after a day without questions, everything is read again. */
const CHANGED_MAX = 500

type Known = { mark: number; appointment: Appointment }
type Day = { date: string; from: Date; to: Date; appointments: readonly Appointment[] }
type Remembered = Day & { horizon: string; known: ReadonlyMap<string, Known> }

export class DayBook {
  readonly #days = new LRUCache<string, Remembered>({ max: CLINICS_MAX })

  /** Today in the clinic's zone: the appointments that begin in it, by time, then id. */
  async today(db: Db, clinicId: string, now: number): Promise<Day> {
    const remembered = this.#days.get(clinicId)
    // What is read from here on may be newer than this state; then the next one finds it changed, and it is read again.
    const state = await findDayState(db, clinicId, remembered?.horizon ?? null, CHANGED_MAX)
    if (!state) throw notFound("clinic")
    const day = dayIn(state.timezone, now)
    const usable = remembered?.from.getTime() === day.from.getTime() && remembered.to.getTime() === day.to.getTime()
    const before = usable && state.changed.length < CHANGED_MAX ? remembered : undefined
    const { known, stale } = sort(await listDayMarks(db, clinicId, day.from, day.to), before, new Set(state.changed))
    if (before && stale.size === 0 && known.size === before.known.size) {
      this.#days.set(clinicId, { ...before, horizon: state.horizon })
      return before
    }
    for (const appointment of await read(db, clinicId, day, [...stale.keys()])) {
      const mark = stale.get(appointment.id)
      if (mark !== undefined) known.set(appointment.id, { mark, appointment })
    }
    const appointments = Array.from(known.values(), ({ appointment }) => appointment).sort(byTime)
    const today = { ...day, appointments, known, horizon: state.horizon }
    this.#days.set(clinicId, today)
    return today
  }
}

function dayIn(timezone: string, now: number): Omit<Day, "appointments"> {
  const date = dayOf(now, timezone)
  const day = Temporal.PlainDate.from(date)
  const startOf = (d: Temporal.PlainDate) => new Date(startOfDay(d, timezone).epochMilliseconds)
  return { date, from: startOf(day), to: startOf(day.add({ days: 1 })) }
}

/** What is still known, and the marks of what is not. */
function sort(marks: { id: string; mark: number }[], before: Remembered | undefined, changed: Set<string>) {
  const known = new Map<string, Known>()
  const stale = new Map<string, number>()
  for (const { id, mark } of marks) {
    const kept = before?.known.get(id)
    if (kept?.mark === mark && !changed.has(kept.appointment.patientId)) known.set(id, kept)
    else stale.set(id, mark)
  }
  return { known, stale }
}

async function read(db: Db, clinicId: string, { from, to }: Omit<Day, "appointments">, ids: string[]): Promise<Appointment[]> {
  const scope = ids.length > SINGLY_MAX ? { clinicId } : { ids }
  return await listAppointments(db, scope, { from, to, limit: CLINIC_DAY_MAX })
}

const byTime = (a: Appointment, b: Appointment) => compare(a.scheduledAt, b.scheduledAt) || compare(a.id, b.id)
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
