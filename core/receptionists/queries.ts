import type { ReceptionistStatus } from "../auth/principal.ts"
import { type Db, maybeOne } from "../db.ts"

export type ReceptionistProfile = { id: string; clinicId: string; name: string | null; status: ReceptionistStatus }

export async function findReceptionistOf(db: Db, uid: string): Promise<ReceptionistProfile | undefined> {
  return maybeOne(await db<ReceptionistProfile[]>`select id, clinic_id as "clinicId", name, status from receptionists where uid = ${uid}`)
}
