import type { Db } from "../../db.ts"
import { caseKey, containsPattern, fold } from "../../text.ts"
import type { Resolution } from "./cells.ts"
import type { DoctorListing, SearchQuery } from "./schema.ts"

/** Which rows of the hits to answer, and how many hits to look for at most. */
export type Window = { offset: number; limit: number; hitsMax: number }
export type Disk = { latitude: number; longitude: number; radiusKm: number; resolution: Resolution; cells: readonly string[] }

type Listed = Omit<DoctorListing, "distanceKm">

/**
 * `hits` is how many were found, and `hitsMax` means: there may be more. Then the hits are any of them, not the nearest or the
 * first, and a row is its distance only. An empty page is one row without distance and doctor.
 */
export type FoundRow = { hits: number; km: number | null } & (Listed | { [Field in keyof Listed]: null })

const LISTED = `d.id, d.name, d.specialization, d.consultation_fee as "consultationFee", d.currency,
  d.clinic_id as "clinicId", d.clinic_name as "clinicName", d.clinic_address as "clinicAddress", d.city,
  d.clinic_latitude as "clinicLatitude", d.clinic_longitude as "clinicLongitude", d.services`

// `offset 0` keeps the planner from turning the join round: one index-only scan a cell, in the order of the cells, until there
// are enough. `(select …)` hides the values from it: the plan is the same for all values, so that Postgres keeps one plan
// for all calls, where planning takes as long as the search.
/** The doctors in a disk. All but the parts of names stands in the cells' index. */
export async function listNear(db: Db, q: SearchQuery, disk: Disk, window: Window): Promise<FoundRow[]> {
  const cell = db(`h3_r${disk.resolution}`)
  const specialization = q.specialization === undefined ? db`` : db`and specialization_key = (select ${caseKey(q.specialization)}::text)`
  const [name, clinicName] = [patternOf(q.name), patternOf(q.clinicName)]
  // Named only when asked for: a mere mention of columns that the index lacks would cost a visit to every row.
  const names =
    name === null && clinicName === null
      ? db``
      : db`and (${name}::text is null or name_fold like ${name}::text) and (${clinicName}::text is null or clinic_name_fold like ${clinicName}::text)`
  const [city, minFee, maxFee] = [keyOf(q.city), q.minFee ?? null, q.maxFee ?? null]
  return await db<FoundRow[]>`
    with hits as materialized (
      select near.id, near.km
      from unnest((select ${arrayOf(disk.cells)}::int8[])) as cover (cell)
      cross join lateral (
        select id, haversine_km(${disk.latitude}, ${disk.longitude}, clinic_latitude, clinic_longitude) as km
        from doctors
        where active and ${cell} = cover.cell ${specialization}
          and (${city}::text is null or city_key = ${city}::text)
          and (${minFee}::numeric is null or consultation_fee >= ${minFee}::numeric)
          and (${maxFee}::numeric is null or consultation_fee <= ${maxFee}::numeric)
          ${names}
        offset 0) near
      where near.km <= ${disk.radiusKm}
      limit ${window.hitsMax}),
    page as (select id, km from hits order by km, id limit ${window.limit} offset ${window.offset})
    select counted.hits, page.km, ${db.unsafe(LISTED)}
    from (select count(*) as hits from hits) counted
    left join page on true
    left join doctors d on d.id = page.id and counted.hits < ${window.hitsMax}
    order by page.km, page.id`
}

/** $1 to $6: a filter that is null is not asked for. */
const FILTERS = `active
  and ($1::text is null or specialization_key = $1)
  and ($2::text is null or city_key = $2)
  and ($3::text is null or name_fold like $3)
  and ($4::text is null or clinic_name_fold like $4)
  and ($5::numeric is null or consultation_fee >= $5)
  and ($6::numeric is null or consultation_fee <= $6)`

const filters = (q: SearchQuery) => [
  keyOf(q.specialization),
  keyOf(q.city),
  patternOf(q.name),
  patternOf(q.clinicName),
  q.minFee ?? null,
  q.maxFee ?? null,
]

// These are planned at every call, with the values in sight, which is what an unprepared statement does: filters that are null
// vanish, and whether a name or a cell is the rarer, and so the way in, only the values tell.
const near = (cell: string) => `
  with hits as materialized (
    select id, km from (
      select id, haversine_km($7, $8, clinic_latitude, clinic_longitude) as km
      from doctors where ${FILTERS} and ${cell} = any($9::int8[])) near
    where km <= $10 limit $11),
  page as (select id, km from hits order by km, id limit $12 offset $13)
  select counted.hits, page.km, ${LISTED}
  from (select count(*) as hits from hits) counted
  left join page on true
  left join doctors d on d.id = page.id and counted.hits < $11
  order by page.km, page.id`

const NEAR = { 4: near("h3_r4"), 6: near("h3_r6"), 8: near("h3_r8") }

/** As {@link listNear}, by way of whatever the planner holds for rarest. */
export async function listNearNamed(db: Db, q: SearchQuery, disk: Disk, window: Window): Promise<FoundRow[]> {
  const { latitude, longitude, radiusKm, resolution, cells } = disk
  const where = [...filters(q), latitude, longitude, arrayOf(cells), radiusKm]
  return await db.unsafe<FoundRow[]>(NEAR[resolution], [...where, window.hitsMax, window.limit, window.offset])
}

const LISTING = `
  with hits as materialized (select id, name from doctors where ${FILTERS} limit $7),
  page as (select id, name from hits order by name, id limit $8 offset $9)
  select counted.hits, null as km, ${LISTED}
  from (select count(*) as hits from hits) counted
  left join page on true
  left join doctors d on d.id = page.id and counted.hits < $7
  order by page.name, page.id`

/** The doctors anywhere that pass the filters, by name. */
export async function listByName(db: Db, q: SearchQuery, window: Window): Promise<FoundRow[]> {
  return await db.unsafe<FoundRow[]>(LISTING, [...filters(q), window.hitsMax, window.limit, window.offset])
}

const LISTING_PAGE = `
  with page as (select id, name from doctors where ${FILTERS} order by name, id limit $7 offset $8)
  select ${LISTED} from page join doctors d using (id) order by page.name, page.id`

/** A page of a listing known to be long: in the order of an index, until the page is full. */
export async function listPageByName(db: Db, q: SearchQuery, limit: number, offset: number): Promise<Listed[]> {
  return await db.unsafe<Listed[]>(LISTING_PAGE, [...filters(q), limit, offset])
}

const keyOf = (text: string | undefined) => (text === undefined ? null : caseKey(text))
const patternOf = (part: string | undefined) => (part === undefined ? null : containsPattern(fold(part)))

/** Written by hand: the driver's own arrays are sent wrongly by the first query of a process, before it has read the types. */
function arrayOf(numbers: readonly string[]): string {
  return `{${numbers.join(",")}}`
}
