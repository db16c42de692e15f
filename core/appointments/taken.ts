import { type Db, isRetryable, violates } from "../db.ts"
import { nextFreeSlots } from "../doctors/schedule/availability.ts"
import type { DoctorSchedule } from "../doctors/schedule/queries.ts"
import type { Slot } from "../doctors/schedule/slots.ts"
import { conflict, type Refusal } from "../errors.ts"
import { instant } from "../time.ts"

const NEXT_SLOTS = 3

/** The refusal of a time that another has, with the doctor's next free ones. */
export async function slotTaken(db: Db, doctor: DoctorSchedule, slot: Slot): Promise<Refusal> {
  const next = await nextFreeSlots(db, doctor.doctorId, doctor, slot.start, Date.now(), NEXT_SLOTS)
  const nextSlots = next.map(({ start, end }) => ({ start: instant(new Date(start)), end: instant(new Date(end)) }))
  return conflict("That time is taken.", { extensions: { nextSlots } })
}

/** Runs a statement that takes a doctor's time; undefined is its own answer. The exclusion constraint decides the race. */
export async function claimTime<T>(db: Db, doctor: DoctorSchedule, slot: Slot, take: () => Promise<T>): Promise<T> {
  try {
    return await take().catch((error) => {
      // The doctor's lock makes deadlocks all but impossible; one that happens all the same is run again, once.
      if (isRetryable(error)) return take()
      throw error
    })
  } catch (error) {
    throw violates(error, "appointments_no_overlap") ? await slotTaken(db, doctor, slot) : error
  }
}
