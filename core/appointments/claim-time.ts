import { type Db, isRetryable, violates } from "../db.ts"
import { nextFreeSlots } from "../doctors/schedule/availability.ts"
import type { DoctorSchedule } from "../doctors/schedule/queries.ts"
import type { Slot } from "../doctors/schedule/slots.ts"
import { conflict } from "../errors.ts"
import { instant } from "../time.ts"

const NEXT_SLOTS = 3

/** Runs a statement that takes a doctor's time. The exclusion constraint decides the race; a select beforehand could not. */
export async function claimTime<T>(db: Db, doctor: DoctorSchedule, slot: Slot, take: () => Promise<T>): Promise<T> {
  try {
    return await withoutDeadlock(take)
  } catch (error) {
    if (!violates(error, "appointments_no_overlap")) throw error
    const next = await nextFreeSlots(db, doctor.doctorId, doctor, slot.start, Date.now(), NEXT_SLOTS)
    const nextSlots = next.map((s) => ({ start: instant(new Date(s.start)), end: instant(new Date(s.end)) }))
    throw conflict("That time is taken.", { extensions: { nextSlots }, cause: error })
  }
}

/** The doctor's lock makes deadlocks all but impossible; one that happens all the same is run again, once. */
async function withoutDeadlock<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!isRetryable(error)) throw error
    return await run()
  }
}
