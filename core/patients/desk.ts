/** Patients as the front desk knows them. */
import { actorOf, entryOf } from "../audit/entry.ts"
import { insertEntries } from "../audit/queries.ts"
import { type Principal, requireActive } from "../auth/principal.ts"
import type { Db, Tx } from "../db.ts"
import { forbidden } from "../errors.ts"
import { type Listing, listing } from "../pages.ts"
import { countPatientsOfClinic, insertWalkIn, listPatientsOfClinic } from "./queries.ts"
import type { CreatePatient, FindPatients, PatientProfile } from "./schema.ts"

/** Makes a patient who has no account. For the front desk only. */
export async function createWalkIn(tx: Tx, caller: Principal, { name, phone }: CreatePatient): Promise<PatientProfile> {
  if (caller.role !== "RECEPTIONIST") throw forbidden("Walk-ins are made at the front desk only.")
  const patient = await insertWalkIn(tx, requireActive(caller).clinicId, name, phone ?? null)
  await insertEntries(tx, [entryOf(actorOf(caller), "CREATE", "patient", patient.id)])
  return patient
}

/** Those whom the desk has made, and those who have an appointment at the clinic; nobody else is found. */
export async function findPatientsAtDesk(
  db: Db,
  caller: Extract<Principal, { role: "RECEPTIONIST" }>,
  { name, phone, page, limit }: FindPatients,
): Promise<Listing<PatientProfile>> {
  const { clinicId } = requireActive(caller)
  const [data, hits] = await Promise.all([
    listPatientsOfClinic(db, clinicId, { name, phone }, limit, (page - 1) * limit),
    countPatientsOfClinic(db, clinicId, { name, phone }),
  ])
  return listing(data, hits, { page, limit })
}
