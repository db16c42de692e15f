import { type Db, maybeOne, one } from "../db.ts"

/**
 * Adds entries, each JSON, to be sealed: in the transaction of a change, or in one of their own. Waits for no lock. They go as one text,
 * of which Postgres cuts each out byte for byte: quotes in an array of texts would each have to be escaped and read back.
 */
export async function insertEntries(db: Db, entries: string[]): Promise<void> {
  if (entries.length === 0) return
  await db`insert into audit_inbox (entry) select value from json_array_elements(${`[${entries.join(",")}]`}::text::json)`
}

/** `position`, `hash`: where the log stands now; null while another seals. */
export type SealedBatch = { sealed: number; position: number | null; hash: Buffer | null; checkpoint: boolean }

/** Seals at most `limit` entries, unless another does so. */
export async function sealEntries(db: Db, limit: number): Promise<SealedBatch> {
  return one(await db<SealedBatch[]>`select sealed, last_position as position, last_hash as hash, checkpoint from seal_audit(${limit})`)
}

/** `since`: when the oldest of them was made, as the process that made it says; null when there are none. */
export type Unsealed = { waiting: number; since: Date | null }

/** Of what was sealed after the position: how many, and how old. */
export async function countSealedAfter(db: Db, position: number): Promise<Unsealed> {
  return one(
    await db<Unsealed[]>`
    select count(*) as waiting, min((entry::json->>'at')::timestamptz) as since from audit_log where position > ${position}`,
  )
}

/** Of the owner alone: how long the log is kept at least, whatever the processes ask to have dropped. */
export async function setAuditRetention(db: Db, days: number): Promise<void> {
  await db`update audit_retention set days = ${days} where days <> ${days}`
}

/** Drops the oldest partition if all of it was sealed before `before`, and the owner no longer keeps it. Returns how many rows went. */
export async function dropOldestAudit(db: Db, before: Date): Promise<number> {
  return one(await db<{ dropped: number }[]>`select drop_old_audit(${before}) as dropped`).dropped
}

/** The log holds (floor, position]. */
export type AuditHead = { position: number; hash: Buffer; floor: number; floorHash: Buffer; floorAt: Date | null }

export async function findHead(db: Db): Promise<AuditHead> {
  return one(await db<AuditHead[]>`select position, hash, floor, floor_hash as "floorHash", floor_at as "floorAt" from audit_head`)
}

/** When the position was sealed; undefined when it is not there. */
export async function findSealedAt(db: Db, position: number): Promise<Date | undefined> {
  return maybeOne(await db<{ sealedAt: Date }[]>`select sealed_at as "sealedAt" from audit_log where position = ${position}`)?.sealedAt
}

/** `subjects`: as text, the patients in whose lists the row stands; `patients`, `resources`: the row's own, as they were hashed. */
export type SealedRow = {
  position: number
  sealedMicros: number
  entry: string
  patients: string
  resources: string
  hash: Buffer
  subjects: string
}

/** Rows after `after`, in order. */
export async function listSealed(db: Db, after: number, limit: number): Promise<SealedRow[]> {
  return await db<SealedRow[]>`
    select l.position, (extract(epoch from l.sealed_at) * 1000000)::int8 as "sealedMicros", l.entry, l.hash,
      array_to_string(l.patients, ',') as patients, array_to_string(l.resources, ',', '-') as resources,
      coalesce((
        select string_agg(s.patient_id::text, ',' order by s.patient_id)
        from audit_subjects s where s.position = l.position and s.patient_id = any(l.patients)), '') as subjects
    from audit_log l where l.position > ${after} order by l.position limit ${limit}`
}

export async function listCheckpoints(db: Db, floor: number): Promise<{ position: number; hash: Buffer }[]> {
  return await db<{ position: number; hash: Buffer }[]>`
    select position, hash from audit_checkpoints where position > ${floor} order by position`
}

/** Places in patients' lists at which the log does not name the patient: at most `limit`. */
export async function listStrays(db: Db, limit: number): Promise<{ position: number }[]> {
  return await db<{ position: number }[]>`
    select distinct s.position from audit_subjects s left join audit_log l using (position)
    where l.position is null or not s.patient_id = any(l.patients) order by s.position limit ${limit}`
}

export type Access = { position: number; entry: string; resourceId: string | null; actorRole: string | null; actorName: string | null }

/**
 * What was done with the patient's data before the position, newest first. Named are those who act for a clinic, and the patient; that
 * another patient tried something is told, but not who that is.
 */
export async function listAccess(db: Db, patientId: string, before: number | undefined, limit: number): Promise<Access[]> {
  return await db<Access[]>`
    select l.position, l.entry, l.resources[array_position(l.patients, s.patient_id)] as "resourceId",
      coalesce(l.entry::json->>'role', a.role) as "actorRole", coalesce(d.name, r.name, p.name) as "actorName"
    from audit_subjects s
    join audit_log l using (position)
    left join accounts a on a.uid = l.entry::json->>'uid'
    left join doctors d on d.uid = a.uid
    left join receptionists r on r.uid = a.uid
    left join patients p on p.uid = a.uid and p.id = s.patient_id
    where s.patient_id = ${patientId} and s.position < ${before ?? Number.MAX_SAFE_INTEGER}
    order by s.position desc limit ${limit}`
}
