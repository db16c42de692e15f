import { claimRole } from "../accounts/claim.ts"
import { sameCode, WrongCode } from "../clinics/verification.ts"
import type { Tx } from "../db.ts"
import { invalid } from "../errors.ts"
import { findVerificationCode, insertReceptionist } from "./queries.ts"
import type { LinkReceptionist, ReceptionistLink } from "./schema.ts"

/** Makes the caller a receptionist of the clinic: ACTIVE who knows its code, PENDING who gives none. Throws WrongCode. */
export async function linkReceptionist(tx: Tx, uid: string, input: LinkReceptionist): Promise<ReceptionistLink> {
  await claimRole(tx, uid, "RECEPTIONIST")
  const code = await findVerificationCode(tx, input.clinicId)
  const given = input.verificationCode ?? undefined
  if (given === undefined && code === undefined) throw invalid("clinicId", "is no clinic's id")
  if (given !== undefined && !sameCode(given, code ?? "")) throw new WrongCode("verificationCode")
  const status = given === undefined ? "PENDING" : "ACTIVE"
  const linked = await insertReceptionist(tx, { uid, clinicId: input.clinicId, name: input.name ?? null, status })
  return { id: linked.id, clinicId: linked.clinicId, status: linked.status }
}
