/** What a call leaves in the audit, and whose data its answer shows. */
import { AUDIT_RULES } from "../../api/audit-rules.ts"
import type { Pool } from "../../core/db.ts"
import type { Cast } from "../harness/cast.ts"
import type { Call } from "./calls.ts"
import type { Row } from "./matrix.ts"

export type Entry = { uid: string | null; role: string | null; action: string; ids: string[]; outcome: string }

export const isAudited = ({ method, path }: Row) => typeof AUDIT_RULES[`${method} ${path}`] === "object"

export function actionOf({ method, path }: Row): string {
  return method === "GET" ? "READ" : method === "POST" && !path.endsWith("/queue/next") ? "CREATE" : "CHANGE"
}

/** What a call names that is somebody's: doctors and clinics are nobody's data. */
export function namedBy({ ids = [] }: Call, { doctorId, otherDoctorId, clinicId, otherClinicId }: Cast): string[] {
  return ids.filter((id) => ![doctorId, otherDoctorId, clinicId, otherClinicId].includes(id))
}

export async function lastEntryId(pool: Pool): Promise<number> {
  const [row] = await pool<{ id: number }[]>`select coalesce(max(id), 0) as id from audit_inbox`
  return row?.id ?? 0
}

/** Where the role was not looked up it is the account's, which never changes. */
export async function entriesAfter(pool: Pool, id: number): Promise<Entry[]> {
  const rows = await pool<{ entry: string; accountRole: string | null }[]>`
    select entry::text, a.role as "accountRole" from audit_inbox left join accounts a on a.uid = entry->>'uid' where id > ${id} order by id`
  return rows.map(({ entry, accountRole }) => {
    const { uid, role, action, ids, outcome } = JSON.parse(entry)
    return { uid, role: role ?? accountRole, action, ids, outcome }
  })
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** Of each patient, visit and payment among what the text names, whose it is. */
export async function ownersIn(pool: Pool, text: string): Promise<Map<string, string>> {
  const ids = [...new Set(text.match(UUID))]
  const rows = await pool<{ id: string; patientId: string }[]>`
    select id, id as "patientId" from patients where id = any (${ids})
    union all select id, patient_id from appointments where id = any (${ids})
    union all select id, patient_id from payments where id = any (${ids})`
  return new Map(rows.map(({ id, patientId }) => [id, patientId]))
}

/** The parts of an answer that name something of a patient's, with what each names. */
export function partsNaming(owners: ReadonlyMap<string, string>, answer: unknown): string[][] {
  if (typeof answer !== "object" || answer === null) return []
  const members = Object.values(answer)
  const own = members.filter((member): member is string => typeof member === "string" && owners.has(member))
  return [...(own.length > 0 ? [own] : []), ...members.flatMap((member) => partsNaming(owners, member))]
}
