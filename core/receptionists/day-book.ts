/**
 * The appointments of a day, remembered: most of a clinic's day is as it was when it was last asked for. What is remembered is used only
 * while its mark is still that of the rows, so memory saves the reading and can never be wrong.
 */
import { LRUCache } from "lru-cache"
import { listAppointments } from "../appointments/queries.ts"
import type { Appointment } from "../appointments/schema.ts"
import type { Db } from "../db.ts"
import { listDayMarks } from "./queries.ts"

/** Some 250 kB each. */
const CLINICS_MAX = 200
/** From about so many on, the whole day is read faster than they are one by one. */
const SINGLY_MAX = 150
/** A day of some hundred doctors. */
const CLINIC_DAY_MAX = 10_000

type Known = { mark: number; appointment: Appointment }
type Day = { known: ReadonlyMap<string, Known>; appointments: readonly Appointment[] }
type Asked = { clinicId: string; from: Date; to: Date }

export class DayBook {
  readonly #days = new LRUCache<string, Day>({ max: CLINICS_MAX })

  /** The clinic's appointments that begin in [from, to), by time, then id. */
  async list(db: Db, asked: Asked): Promise<readonly Appointment[]> {
    const key = `${asked.clinicId} ${asked.from.getTime()} ${asked.to.getTime()}`
    const day = this.#days.get(key)
    const marks = await listDayMarks(db, asked.clinicId, asked.from, asked.to)
    const known = new Map<string, Known>()
    const stale = new Map<string, number>()
    for (const { id, mark } of marks) {
      const kept = day?.known.get(id)
      if (kept?.mark === mark) known.set(id, kept)
      else stale.set(id, mark)
    }
    if (day && stale.size === 0 && known.size === day.known.size) return day.appointments
    for (const appointment of await read(db, asked, [...stale.keys()])) {
      const mark = stale.get(appointment.id)
      // What was read may be newer than its mark; then the next mark differs, and it is read again.
      if (mark !== undefined) known.set(appointment.id, { mark, appointment })
    }
    const appointments = Array.from(known.values(), ({ appointment }) => appointment).sort(byTime)
    this.#days.set(key, { known, appointments })
    return appointments
  }
}

async function read(db: Db, { clinicId, from, to }: Asked, ids: string[]): Promise<Appointment[]> {
  const scope = ids.length > SINGLY_MAX ? { clinicId } : { ids }
  return await listAppointments(db, scope, { from, to, limit: CLINIC_DAY_MAX })
}

const byTime = (a: Appointment, b: Appointment) => compare(a.scheduledAt, b.scheduledAt) || compare(a.id, b.id)
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
