import { type Db, maybeOne } from "../db.ts"
import type { Principal, ReceptionistStatus } from "./principal.ts"

type Row = {
  role: "PATIENT" | "DOCTOR" | "RECEPTIONIST"
  patientId: string | null
  city: string | null
  doctorId: string | null
  receptionistId: string | null
  clinicId: string | null
  status: ReceptionistStatus | null
}

/** The person's profile, read afresh: a receptionist may have been revoked a moment ago. */
export async function findPrincipal(db: Db, uid: string): Promise<Principal> {
  const row = maybeOne(
    await db<Row[]>`
    select a.role, p.id as "patientId", p.city, d.id as "doctorId", r.id as "receptionistId",
      coalesce(d.clinic_id, r.clinic_id) as "clinicId", r.status
    from accounts a
    left join patients p on p.uid = a.uid
    left join doctors d on d.uid = a.uid
    left join receptionists r on r.uid = a.uid
    where a.uid = ${uid}`,
  )
  if (row?.patientId) return { uid, role: "PATIENT", patientId: row.patientId, city: row.city }
  if (row?.doctorId && row.clinicId) return { uid, role: "DOCTOR", doctorId: row.doctorId, clinicId: row.clinicId }
  if (row?.receptionistId && row.clinicId && row.status)
    return { uid, role: "RECEPTIONIST", receptionistId: row.receptionistId, clinicId: row.clinicId, status: row.status }
  return { uid, role: null }
}
