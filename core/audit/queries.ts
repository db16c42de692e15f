import { type Db, maybeOne, one, type Pool, type Tx } from "../db.ts"

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

/**
 * All that is read sees one state of the log, whatever is sealed or dropped meanwhile. Ask for little: while it lasts no partition is
 * dropped, and what is deleted anywhere in the database is not cleared away. The locks come before the state: it would otherwise count on
 * rows of a partition that is dropped before they are read, and they come in the order in which `drop_old_audit` takes its own.
 */
export async function readAuditAtOnce<T>(pool: Pool, read: (tx: Tx) => Promise<T>): Promise<T> {
  const reading = pool.begin("isolation level repeatable read read only", async (tx) => {
    await tx`lock table only audit_log, only audit_subjects in access share mode`
    return await read(tx)
  })
  return (await reading) as T
}

/** The log holds (floor, position]. */
export type AuditHead = { position: number; hash: Buffer; floor: number; floorHash: Buffer; floorAt: Date | null }

export async function findHead(db: Db): Promise<AuditHead> {
  return one(await listHeads(db))
}

/** One, unless somebody has made or removed some. */
export async function listHeads(db: Db): Promise<AuditHead[]> {
  return await db<AuditHead[]>`select position, hash, floor, floor_hash as "floorHash", floor_at as "floorAt" from audit_head limit 2`
}

/** When the position was sealed; undefined when it is not there. */
export async function findSealedAt(db: Db, position: number): Promise<Date | undefined> {
  return maybeOne(await db<{ sealedAt: Date }[]>`select sealed_at as "sealedAt" from audit_log where position = ${position}`)?.sealedAt
}

/**
 * `subjects`: as text, the patients in whose lists the row stands; `patients`, `resources`: the row's own, as they were hashed, unless they
 * are no plain lists.
 */
export type SealedRow = {
  position: number
  sealedMicros: number
  entry: string
  patients: string
  resources: string
  hash: Buffer
  subjects: string
}

/**
 * Rows after `after`, in order; of one position all, should there be more. The lists are taken from Postgres's own text, in which a null, a
 * bound or a dimension that was not sealed shows.
 */
export async function listSealed(db: Db, after: number, limit: number): Promise<SealedRow[]> {
  return await db<SealedRow[]>`
    select l.position, l.entry, l.hash,
      case when isfinite(l.sealed_at) then (extract(epoch from l.sealed_at) * 1000000)::int8 else -1 end as "sealedMicros",
      substr(l.patients::text, 2, length(l.patients::text) - 2) as patients,
      replace(substr(l.resources::text, 2, length(l.resources::text) - 2), 'NULL', '-') as resources,
      coalesce((
        select string_agg(s.patient_id::text, ',' order by s.patient_id)
        from audit_subjects s where s.position = l.position and s.patient_id = any(l.patients)), '') as subjects
    from audit_log l where l.position > ${after} order by l.position fetch first ${limit} rows with ties`
}

/** From and to, both included. */
export type Range = { from: number; to: number }

/** Where rows stand outside what the head says that the log holds: at most `limit` ranges. */
export async function listOutside(db: Db, { floor, position }: AuditHead, limit: number): Promise<Range[]> {
  return await db<Range[]>`
    select min(position) as from, max(position) as to
    from (
      select position, position - row_number() over (order by position) as range
      from (
        select position from audit_log where position <= ${floor}
        union all select position from audit_log where position > ${position}) outside) each
    group by range order by 1 limit ${limit}`
}

export type Checkpoint = { position: number; hash: Buffer }

export async function listCheckpoints(db: Db, { from, to }: Range): Promise<Checkpoint[]> {
  return await db<Checkpoint[]>`select position, hash from audit_checkpoints where position between ${from} and ${to} order by position`
}

/** Checkpoints of what comes after the head, the last ones first. */
export async function listCheckpointsAfter(db: Db, position: number, limit: number): Promise<Checkpoint[]> {
  return await db<Checkpoint[]>`
    select position, hash from audit_checkpoints where position > ${position} order by position desc limit ${limit}`
}

/** Places in patients' lists at which the log does not name the patient: at most `limit`. Without a bound: to the end on that side. */
export async function listStrays(db: Db, { from, to }: Partial<Range>, limit: number): Promise<{ position: number }[]> {
  // Said of both, for Postgres does not conclude from one which partitions of the other are needed.
  const within = db`position between coalesce(${from ?? null}, '-9223372036854775808'::int8) and coalesce(${to ?? null}, '9223372036854775807'::int8)`
  return await db<{ position: number }[]>`
    select distinct s.position
    from (select patient_id, position from audit_subjects where ${within}) s
    left join (select position, patients from audit_log where ${within}) l using (position)
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
