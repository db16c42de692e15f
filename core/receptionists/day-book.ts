/**
 * The appointments of a day, remembered by doctor: most of a clinic's day is as it was when it was last asked for. A remembered day is
 * used only while its mark is still that of the rows, so memory saves the reading and can never be wrong.
 */
import { LRUCache } from "lru-cache"
import { listAppointments } from "../appointments/queries.ts"
import type { Appointment } from "../appointments/schema.ts"
import type { Db } from "../db.ts"
import { DOCTOR_DAY_MAX, listDayMarks } from "./queries.ts"

/** Some 250 kB each. */
const CLINICS_MAX = 200
/** More than this many doctors' days are read faster in one statement than one by one. */
const ALONE_MAX = 2
/** A day of some hundred doctors. */
const CLINIC_DAY_MAX = 10_000

type DoctorDay = { mark: string; appointments: readonly Appointment[] }
type ClinicDay = { doctors: ReadonlyMap<string, DoctorDay>; appointments: readonly Appointment[] }

export class DayBook {
  readonly #days = new LRUCache<string, ClinicDay>({ max: CLINICS_MAX })

  /** The clinic's appointments that begin in [from, to), by time, then id. */
  async list(db: Db, clinicId: string, from: Date, to: Date): Promise<readonly Appointment[]> {
    const key = `${clinicId} ${from.getTime()} ${to.getTime()}`
    const known = this.#days.get(key)
    const marks = await listDayMarks(db, clinicId, from, to)
    const stale = marks.filter(({ doctorId, mark }) => known?.doctors.get(doctorId)?.mark !== mark)
    if (known && stale.length === 0 && marks.length === known.doctors.size) return known.appointments
    const fresh = await read(db, clinicId, stale, from, to)
    // What was read may be newer than its mark; then the next mark differs, and it is read again.
    const appointmentsOf = ({ doctorId }: { doctorId: string }) => fresh.get(doctorId) ?? known?.doctors.get(doctorId)?.appointments ?? []
    const doctors = new Map(marks.map((m) => [m.doctorId, { mark: m.mark, appointments: appointmentsOf(m) }]))
    const appointments = [...doctors.values()].flatMap((day) => day.appointments).sort(byTime)
    this.#days.set(key, { doctors, appointments })
    return appointments
  }
}

async function read(db: Db, clinicId: string, stale: { doctorId: string }[], from: Date, to: Date): Promise<Map<string, Appointment[]>> {
  const rows =
    stale.length > ALONE_MAX
      ? await listAppointments(db, { clinicId }, { from, to, limit: CLINIC_DAY_MAX })
      : (await Promise.all(stale.map(({ doctorId }) => listAppointments(db, { doctorId }, { from, to, limit: DOCTOR_DAY_MAX })))).flat()
  return Map.groupBy(rows, (appointment) => appointment.doctorId)
}

const byTime = (a: Appointment, b: Appointment) => compare(a.scheduledAt, b.scheduledAt) || compare(a.id, b.id)
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
