/**
 * What a booking needs to know of its doctor and patient, remembered. A remembered version may be old: the statement
 * that books names the versions it was decided on and books nothing when they are no longer the rows', so memory saves
 * two round trips and can never be wrong.
 */
import { LRUCache } from "lru-cache"
import type { Db } from "../db.ts"
import { type DoctorSchedule, findSchedule } from "../doctors/schedule/queries.ts"
import { notFound, Refusal } from "../errors.ts"
import { findPatientName, type PatientName } from "../patients/queries.ts"

/** About 1 kB a doctor and 0.2 kB a patient. */
const DOCTORS_MAX = 10_000
const PATIENTS_MAX = 50_000

/** A doctor whose schedule changes faster than this is told apart from one that is merely remembered wrongly. */
const ATTEMPTS = 5

export class Parties {
  readonly #doctors = new LRUCache<string, DoctorSchedule>({ max: DOCTORS_MAX })
  readonly #patients = new LRUCache<string, PatientName>({ max: PATIENTS_MAX })

  /**
   * Lets `act` decide on the doctor's schedule: first as remembered, and once more on a fresh one when it answers
   * undefined (the schedule has changed) or refuses what a fresh schedule may allow.
   */
  async withSchedule<T>(db: Db, doctorId: string, act: (doctor: DoctorSchedule) => Promise<T | undefined>): Promise<T> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const remembered = this.#doctors.get(doctorId)
      const doctor = remembered ?? (await findSchedule(db, doctorId))
      if (!doctor) throw notFound("doctor")
      if (!remembered) this.#doctors.set(doctorId, doctor)
      try {
        const result = await act(doctor)
        if (result !== undefined) return result
      } catch (error) {
        if (!remembered || !(error instanceof Refusal && error.code === "invalid")) throw error
      }
      this.#doctors.delete(doctorId)
    }
    throw new Refusal("unavailable", "The doctor's schedule is changing. Try again.", { retryAfterSeconds: 1 })
  }

  async patient(db: Db, id: string): Promise<PatientName> {
    const remembered = this.#patients.get(id)
    if (remembered) return remembered
    const found = await findPatientName(db, id)
    if (!found) throw notFound("patient")
    this.#patients.set(id, found)
    return found
  }

  forgetPatient(id: string): void {
    this.#patients.delete(id)
  }
}
