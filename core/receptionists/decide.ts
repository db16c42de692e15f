import type { Doctor, ReceptionistStatus } from "../auth/principal.ts"
import type { Pool } from "../db.ts"
import { conflict, notFound } from "../errors.ts"
import { announce } from "../events/log.ts"
import { lockReceptionist, updateReceptionistStatus } from "./queries.ts"
import type { DecideReceptionist, ReceptionistListing } from "./schema.ts"

/** One who was turned away may be taken in later. */
const decisions: Record<ReceptionistStatus, readonly DecideReceptionist["status"][]> = {
  PENDING: ["ACTIVE", "REJECTED"],
  ACTIVE: ["REVOKED"],
  REJECTED: ["ACTIVE"],
  REVOKED: ["ACTIVE"],
}

/** A doctor of the clinic decides who works at its desk. Every realtime process obeys the event: rooms are joined, or sockets cut. */
export async function decideReceptionist(
  pool: Pool,
  doctor: Doctor,
  id: string,
  { status }: DecideReceptionist,
): Promise<ReceptionistListing> {
  return await pool.begin(async (tx) => {
    const before = await lockReceptionist(tx, id, doctor.clinicId)
    if (!before) throw notFound("receptionist")
    if (!decisions[before.status].includes(status)) throw conflict(`A receptionist who is ${before.status} cannot become ${status}.`)
    const after = await updateReceptionistStatus(tx, id, status)
    if (before.uid !== null) await announce(tx, { name: "access:changed", data: { uid: before.uid }, about: { uid: before.uid } })
    return after
  })
}
