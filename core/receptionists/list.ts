import type { Doctor, Receptionist, ReceptionistStatus } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import { forbidden } from "../errors.ts"
import { type Listing, listing } from "../pages.ts"
import { countReceptionists, findReceptionistListing, listReceptionists } from "./queries.ts"
import type { ListReceptionists, ReceptionistListing } from "./schema.ts"

const ALL = ["PENDING", "ACTIVE", "REJECTED", "REVOKED"] as const satisfies ReceptionistStatus[]
const COLLEAGUES = ["PENDING", "ACTIVE"] as const satisfies ReceptionistStatus[]

/** A doctor sees everybody who ever asked; an active receptionist those who work there or want to. */
export async function listReceptionistsFor(
  db: Db,
  caller: Doctor | Receptionist,
  query: ListReceptionists,
): Promise<Listing<ReceptionistListing>> {
  if (caller.role === "DOCTOR") return await listOf(db, caller.clinicId, ALL, query)
  if (caller.status === "ACTIVE") return await listOf(db, caller.clinicId, COLLEAGUES, query)
  if (caller.status === "PENDING") return await listSelf(db, caller, query)
  throw forbidden(`This receptionist is ${caller.status}.`)
}

async function listOf(db: Db, clinicId: string, statuses: readonly ReceptionistStatus[], query: ListReceptionists) {
  const [data, hits] = await Promise.all([
    listReceptionists(db, clinicId, statuses, query.limit, (query.page - 1) * query.limit),
    countReceptionists(db, clinicId, statuses),
  ])
  return listing(data, hits, query)
}

/** Anybody may ask to work at any clinic; the names of its staff are not for whoever asks. */
async function listSelf(db: Db, caller: Receptionist, query: ListReceptionists) {
  const self = await findReceptionistListing(db, caller.uid)
  return listing(self && query.page === 1 ? [self] : [], self ? 1 : 0, query)
}
