import { type Db, maybeOne, type Tx } from "../../db.ts"
import type { IndexedDoctor } from "./doctor-index.ts"

/** Doctors that come as one row at most: each row costs the driver three buffers. Taken in within half a millisecond. */
const DOCTORS_A_PAGE = 64
/** Two megabytes at the densest, of which the driver takes in as much at a time as the socket has. */
const FETCHED_PAGES = 64
/** Of a reading that compares. */
const DOCTORS_A_FETCH = 256
/** Ten times what a million doctors take. It is a bound on what a lost loader costs the server. */
export const LOAD_TIMEOUT_MS = 120_000
/** Of the server's memory should it have to sort; beyond, it sorts in files, as quickly. */
const SORT_MEMORY = "64MB"

const INDEXED = `id, version, name, specialization, consultation_fee as "consultationFee", currency, clinic_id as "clinicId",
  clinic_name as "clinicName", clinic_address as "clinicAddress", city, clinic_latitude as "clinicLatitude",
  clinic_longitude as "clinicLongitude", services`

/**
 * Begins to read every active doctor in the caller's transaction, near ones near each other and colleagues of a clinic one after the
 * other. An index has this order; the server sorts instead where it knows that the table has got far from it. Pages are made place by
 * place, so that the first comes at once.
 */
export async function openListings(tx: Tx): Promise<void> {
  await tx`
    select set_config('statement_timeout', ${String(LOAD_TIMEOUT_MS)}, true), set_config('work_mem', ${SORT_MEMORY}, true),
      set_config('enable_hashagg', 'off', true), set_config('cursor_tuple_fraction', '1', true)`
  await tx.unsafe(`
    declare doctors_by_place no scroll cursor for
    select string_agg(concat(listing, version, E'\n'), '') as doctors
    from (
      select listing, version, place, (row_number() over (partition by place order by latitude, longitude) - 1) / ${DOCTORS_A_PAGE} as page
      from searchable_doctors) paged
    group by place, page order by place, page`)
}

/**
 * The next doctors, page by page, in the bytes that the server sent; none: all are read. A doctor is a line: the answer's JSON up to its
 * distance, and where that would stand the version.
 */
export async function fetchListings(tx: Tx): Promise<Buffer[]> {
  const rows = await tx.unsafe(`fetch ${FETCHED_PAGES} from doctors_by_place`).raw()
  return rows.map(([page]) => page as Buffer)
}

/** Hands over every active doctor as the table has them, some at a time: not what searches read, but what that must agree with. */
export function listDoctorsInTurn(db: Db): AsyncIterable<IndexedDoctor[]> {
  return db<IndexedDoctor[]>`select ${db.unsafe(INDEXED)} from doctors where active`.cursor(DOCTORS_A_FETCH)
}

/** About how many doctors searches read, as the server's statistics have it. */
export async function estimateDoctors(db: Db): Promise<number> {
  const row = maybeOne(
    await db<{ about: number }[]>`select reltuples::int8 as about from pg_class where oid = 'searchable_doctors'::regclass`,
  )
  return Math.max(0, row?.about ?? 0)
}

/** These doctors as they are now, active or not; one that is missing is gone. */
export async function listDoctorsNow(db: Db, ids: string[]): Promise<(IndexedDoctor & { active: boolean })[]> {
  return await db<(IndexedDoctor & { active: boolean })[]>`
    select ${db.unsafe(INDEXED)}, active
    from doctors where id = any(${ids}::uuid[])`
}
