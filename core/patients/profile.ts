import { claimRole } from "../accounts/claim.ts"
import { type Actor, entryOf } from "../audit/entry.ts"
import { insertEntries } from "../audit/queries.ts"
import type { Pool, Tx } from "../db.ts"
import { notFound } from "../errors.ts"
import { announce } from "../events/log.ts"
import { insertPatient, lockPatientOf, type PatientFields, updatePatient } from "./queries.ts"
import type { ChangePatient, CreatePatient, PatientProfile } from "./schema.ts"

/** Makes the caller a patient. A person who has a profile already is refused. */
export async function createPatient(tx: Tx, uid: string, input: CreatePatient, address: string | null = null): Promise<PatientProfile> {
  await claimRole(tx, uid, "PATIENT")
  const patient = await insertPatient(
    tx,
    uid,
    merged({ name: input.name, phone: null, city: null, latitude: null, longitude: null }, input),
  )
  await insertEntries(tx, [entryOf(ownActor(uid, address), "CREATE", "patient", patient.id)])
  return patient
}

/** Changes the caller's own profile; what is not given stays. A move to another city moves the sockets, too. */
export async function changePatient(
  pool: Pool,
  uid: string,
  change: ChangePatient,
  address: string | null = null,
): Promise<PatientProfile> {
  return await pool.begin(async (tx) => {
    const before = await lockPatientOf(tx, uid)
    if (!before) throw notFound("patient")
    const after = await updatePatient(tx, before.id, merged(before, change))
    await insertEntries(tx, [entryOf(ownActor(uid, address), "CHANGE", "patient", after.id)])
    if (after.city !== before.city) await announce(tx, { name: "access:changed", data: { uid }, about: { uid } })
    return after
  })
}

const ownActor = (uid: string, address: string | null): Actor => ({ uid, role: "PATIENT", address })

function merged(before: PatientFields, change: ChangePatient): PatientFields {
  const kept = <T>(given: T | undefined, old: T): T => (given === undefined ? old : given)
  return {
    name: kept(change.name, before.name),
    phone: kept(change.phone, before.phone),
    city: kept(change.city, before.city),
    latitude: kept(change.latitude, before.latitude),
    longitude: kept(change.longitude, before.longitude),
  }
}
