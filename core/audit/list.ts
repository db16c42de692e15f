import type { Patient } from "../auth/principal.ts"
import { numberedCursor } from "../cursor.ts"
import type { Db } from "../db.ts"
import { listAccess } from "./queries.ts"
import { type AccessPage, AccessView, type ListAccess } from "./schema.ts"

/** Who read or changed the caller's data, newest first, refusals included. What has just happened follows within a second or so. */
export async function listAccessOf(db: Db, caller: Patient, { cursor, limit }: ListAccess): Promise<AccessPage> {
  // One more than asked for tells whether there is a next page.
  const rows = await listAccess(db, caller.patientId, cursor, limit + 1)
  const page = rows.slice(0, limit)
  const data = page.map(({ entry, actorRole, actorName, resourceId }) => {
    const { at, action, resource, outcome } = JSON.parse(entry)
    return AccessView.parse({ at, actorRole, actorName, action, resource, resourceId, outcome })
  })
  const last = page.at(-1)
  return { data, nextCursor: rows.length > limit && last ? numberedCursor("accesses", last.position) : null }
}
