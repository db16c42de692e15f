import { type Db, maybeOne, type Tx } from "../../db.ts"
import type { IndexedDoctor } from "./doctor-index.ts"

/** Doctors that come as one row: each row costs the driver three buffers. Taken in within half a millisecond. */
const DOCTORS_A_PAGE = 64
/** Enough to keep the server busy meanwhile. */
const FETCHED_PAGES = 8
/** Ten times what a million doctors take. It is a bound on what a lost loader costs the server. */
const LOAD_TIMEOUT_MS = 120_000
/** Of the server's memory while it sorts; beyond, it sorts in files, as quickly. */
const SORT_MEMORY = "64MB"

/** A doctor as the loader reads them: the columns of {@link LOADED} in their order. */
export type LoadedDoctor = [
  id: string,
  version: number,
  name: string,
  specialization: string,
  consultationFee: number,
  currency: string,
  clinicId: string,
  clinicName: string,
  clinicAddress: string,
  city: string,
  clinicLatitude: number,
  clinicLongitude: number,
  services: string[],
]

const LOADED = `id, version, name, specialization, consultation_fee, currency, clinic_id, clinic_name, clinic_address, city,
  clinic_latitude, clinic_longitude, services`

/** Upper bits of an H3 cell of resolution 8: what is left tells countries apart. */
const COUNTRY_SHIFT = 40

/**
 * Begins to read every active doctor, near ones near each other, in the caller's transaction. Sorted, because the table's order is
 * any other: an index that has this order would send the server to a page of the table for each row. The pages are made country by
 * country, so that the first comes when the doctors are sorted once, not when all pages are.
 */
export async function openDoctors(tx: Tx): Promise<void> {
  await tx`
    select set_config('statement_timeout', ${String(LOAD_TIMEOUT_MS)}, true), set_config('work_mem', ${SORT_MEMORY}, true),
      set_config('enable_indexscan', 'off', true), set_config('enable_hashagg', 'off', true), set_config('cursor_tuple_fraction', '1', true)`
  await tx.unsafe(`
    declare doctors_by_place no scroll cursor for
    select json_agg(json_build_array(${LOADED}))::text as doctors
    from (
      select ${LOADED}, country, (row_number() over (order by country, h3_r8) - 1) / ${DOCTORS_A_PAGE} as page
      from (select ${LOADED}, h3_r8, h3_r8 >> ${COUNTRY_SHIFT} as country from doctors where active offset 0) d) paged
    group by country, page order by country, page`)
}

/** The next pages of doctors, each the JSON of {@link LoadedDoctor}s; none: all are read. */
export async function fetchDoctors(tx: Tx): Promise<string[]> {
  const rows = await tx.unsafe<{ doctors: string }[]>(`fetch ${FETCHED_PAGES} from doctors_by_place`)
  return rows.map((row) => row.doctors)
}

/** About how many doctors there are, as the server's statistics have it. */
export async function estimateDoctors(db: Db): Promise<number> {
  const row = maybeOne(await db<{ about: number }[]>`select reltuples::int8 as about from pg_class where oid = 'doctors'::regclass`)
  return Math.max(0, row?.about ?? 0)
}

/** These doctors as they are now, active or not; one that is missing is gone. */
export async function listDoctorsNow(db: Db, ids: string[]): Promise<(IndexedDoctor & { active: boolean })[]> {
  return await db<(IndexedDoctor & { active: boolean })[]>`
    select id, version, name, specialization, consultation_fee as "consultationFee", currency, clinic_id as "clinicId",
      clinic_name as "clinicName", clinic_address as "clinicAddress", city, clinic_latitude as "clinicLatitude",
      clinic_longitude as "clinicLongitude", services, active
    from doctors where id = any(${ids}::uuid[])`
}
