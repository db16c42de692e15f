/**
 * Loads the demo world in one transaction: all of it or nothing, however the process ends. One event tells of it, so that
 * processes that run already read the doctors.
 */
import { maybeOne, one, type Pool, type Tx } from "../../core/db.ts"
import { cellsOf } from "../../core/doctors/search/cells.ts"
import { announce } from "../../core/events/log.ts"
import type { PaymentKeys } from "../../core/payment-keys.ts"
import { caseKey, fold } from "../../core/text.ts"
import { type Clinic, createdAt } from "./clinics.ts"
import { CLINIC_COLUMNS, clinicLine, copyLines, DOCTOR_COLUMNS, doctorLine } from "./copy.ts"
import { appointments, type Patient, patients, receptionistId } from "./desk.ts"
import { clinicsOf, type Doctor, doctors } from "./doctors.ts"
import { withoutIndexes } from "./indexes.ts"
import { loadPayments } from "./payments.ts"
import { type DemoPeople, demoUid } from "./people.ts"

export const DEFAULT_SEED = 1
export const MAX_DOCTORS = 1_000_000
/** From here on, making the indexes anew costs less than keeping them up row by row. */
const REBUILD_FROM = 20_000
/** A load takes minutes where a request may take seconds. */
const LOAD_TIMEOUT = "30min"
const SEED_LOCK = 7_283_645_003

export class SeedError extends Error {
  override name = "SeedError"
}

export type SeedOptions = {
  /** 1 to {@link MAX_DOCTORS}. */
  doctors: number
  /** A 32-bit integer. One seed gives the same rows on every machine, and doctor i is the same however many are loaded. */
  seed?: number
  /** Hears of progress, a sentence at a time. */
  say?: (sentence: string) => void
  /** The moment that appointments lie around. */
  now?: Date
  /** What the cards of demo payments are sealed with; without it nobody has paid by card. */
  keys?: PaymentKeys
}

/**
 * Loads a demo into a migrated database that has no doctors; one that has them is left as it is, and its demo people are
 * returned. Throws a {@link SeedError} if it has other doctors than a demo's.
 */
export async function seedDemo(pool: Pool, options: SeedOptions): Promise<DemoPeople> {
  const { doctors: count, seed = DEFAULT_SEED, say = () => {}, now = new Date(), keys } = options
  if (!Number.isInteger(count) || count < 1 || count > MAX_DOCTORS) throw new SeedError(`doctors must be from 1 to ${MAX_DOCTORS}`)
  if (seed !== (seed | 0)) throw new SeedError("the seed must be a 32-bit integer")
  const startedMs = performance.now()
  const loaded = await pool.begin(async (tx) => {
    await tx`select set_config('statement_timeout', ${LOAD_TIMEOUT}, true), set_config('lock_timeout', ${LOAD_TIMEOUT}, true),
      set_config('idle_in_transaction_session_timeout', ${LOAD_TIMEOUT}, true)`
    await tx`select pg_advisory_xact_lock(${SEED_LOCK})`
    if (!(await isEmpty(tx))) return false
    say(`Loading ${count.toLocaleString("en")} demo doctors.`)
    await load(tx, { count, seed, now, keys, say })
    return true
  })
  if (loaded) {
    await settle(pool)
    say(`${count.toLocaleString("en")} demo doctors loaded in ${((performance.now() - startedMs) / 1000).toFixed(1)} s.`)
  } else say("The database has doctors already: nothing was loaded.")
  const people = await findDemoPeople(pool)
  if (!people) throw new SeedError("the database has doctors, but not those of a demo")
  return people
}

/** The people of a demo that was loaded before; undefined if there is none. */
export async function findDemoPeople(pool: Pool): Promise<DemoPeople | undefined> {
  const row = maybeOne(
    await pool<{ doctorId: string; clinicId: string }[]>`
      select d.id as "doctorId", r.clinic_id as "clinicId"
      from patients p, doctors d, receptionists r
      where p.uid = ${demoUid.patient} and d.uid = ${demoUid.doctor} and r.uid = ${demoUid.receptionist}`,
  )
  if (!row) return undefined
  return {
    patient: { uid: demoUid.patient },
    doctor: { uid: demoUid.doctor, doctorId: row.doctorId },
    receptionist: { uid: demoUid.receptionist, clinicId: row.clinicId },
  }
}

async function isEmpty(tx: Tx): Promise<boolean> {
  const { empty, taken } = one(
    await tx<{ empty: boolean; taken: string | null }[]>`
      select not exists (select from doctors) as empty,
        (select min(uid) from accounts where uid = any(${Object.values(demoUid)})) as taken`,
  )
  if (empty && taken) throw new SeedError(`the account ${taken} exists already, so no demo can be loaded`)
  return empty
}

type Load = { count: number; seed: number; now: Date; keys: PaymentKeys | undefined; say: (sentence: string) => void }

async function load(tx: Tx, { count, seed, now, keys, say }: Load) {
  const since = new Date(createdAt(0))
  const accounts = [
    { uid: demoUid.doctor, role: "DOCTOR", created_at: since },
    { uid: demoUid.patient, role: "PATIENT", created_at: since },
    { uid: demoUid.receptionist, role: "RECEPTIONIST", created_at: since },
  ]
  await tx`insert into accounts ${tx(accounts)}`
  const rows = () => copyRows(tx, seed, count)
  if (count < REBUILD_FROM) await rows()
  else await withoutIndexes(tx, ["clinics", "doctors", "searchable_doctors"], rows, () => say("Rows are in; building the indexes."))
  await loadDesk(tx, seed, now, keys)
  await announce(tx, { name: "doctors:imported", data: { count }, about: {} })
}

async function copyRows(tx: Tx, seed: number, count: number): Promise<void> {
  // Nothing refers to doctors that do not exist. Emptied in this transaction, the table takes frozen rows: no later vacuum rewrites them.
  await copyLines(clinicLines(seed, count), tx`copy clinics (${tx(CLINIC_COLUMNS)}) from stdin`)
  await copyLines(doctorLines(seed, count), tx`copy doctors (${tx(DOCTOR_COLUMNS)}) from stdin`)
}

function* clinicLines(seed: number, count: number): Generator<string> {
  for (const clinic of clinicsOf(seed, count)) yield clinicLine(clinic)
}

function* doctorLines(seed: number, count: number): Generator<string> {
  let clinic: Clinic | undefined
  let cells = { h3R4: "", h3R6: "", h3R8: "" }
  for (const doctor of doctors(seed, count)) {
    if (doctor.clinic !== clinic) {
      clinic = doctor.clinic
      cells = cellsOf(clinic.latitude, clinic.longitude)
    }
    yield doctorLine(doctor, cells)
  }
}

async function loadDesk(tx: Tx, seed: number, now: Date, keys: PaymentKeys | undefined): Promise<void> {
  const doctor = one([...doctors(seed, 1)])
  const people = patients(seed)
  await tx`insert into receptionists ${tx({
    id: receptionistId(seed),
    uid: demoUid.receptionist,
    clinic_id: doctor.clinic.id,
    name: "Grace Lee",
    status: "ACTIVE",
    ...datesOf(doctor),
  })}`
  await tx`insert into patients ${tx(people.map((patient) => patientRow(patient, doctor)))}`
  const visits = appointments(seed, { ...doctor, timezone: doctor.clinic.city.timezone }, people, now)
  for (const visit of visits)
    await tx`
      insert into appointments (id, doctor_id, patient_id, during, status, type, reason, version, created_at, updated_at)
      values (${visit.id}, ${doctor.id}, ${visit.patientId}, tstzrange(${visit.start}, ${visit.end}), ${visit.status},
        ${visit.type}, ${visit.reason}, ${visit.version}, ${visit.createdAt}, ${visit.updatedAt})`
  await loadPayments(tx, seed, { doctor, visits, patients: people, keys, now })
}

const patientRow = (patient: Patient, doctor: Doctor) => ({
  id: patient.id,
  uid: patient.uid,
  clinic_id: patient.uid === null ? doctor.clinic.id : null,
  name: patient.name,
  name_fold: fold(patient.name),
  phone: patient.phone,
  city: patient.city,
  city_key: caseKey(patient.city),
  latitude: patient.latitude,
  longitude: patient.longitude,
  ...datesOf(doctor),
})

/** Everybody at the demo clinic has been there as long as its doctor. */
const datesOf = ({ createdMs }: Doctor) => ({ created_at: new Date(createdMs), updated_at: new Date(createdMs) })

/** Counts for the planner and the visibility map for index-only scans, which a transaction cannot make. */
async function settle(pool: Pool): Promise<void> {
  const session = await pool.reserve()
  try {
    await session`select set_config('statement_timeout', ${LOAD_TIMEOUT}, false)`
    await session`vacuum (analyze) accounts, clinics, doctors, searchable_doctors, patients, receptionists, appointments, payments`
    await session`reset statement_timeout`
  } finally {
    session.release()
  }
}
