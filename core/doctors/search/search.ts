import type { Db } from "../../db.ts"
import { TOTAL_MAX } from "../../pages.ts"
import { coverOf } from "./cover.ts"
import { type Position, planSql } from "./plan.ts"
import { type Disk, type FoundRow, listByName, listNear, listNearNamed, listPageByName, type Window } from "./queries.ts"
import type { DoctorListing, SearchAnswer, SearchQuery } from "./schema.ts"

/** For a page's hits, which must all be seen: more than there can be doctors. */
const NO_MAX = Number.MAX_SAFE_INTEGER

/** The widening starts at this share of the radius that would hold the page if the doctors were spread evenly, for they never are. */
const FIRST_SHARE = 0.5
/** How it goes on: four times the area. */
const WIDENING = 2

/** Doctors that pass every filter, by SQL: nearest first around a position, otherwise by name. Ties go by id. */
export async function searchDoctors(db: Db, query: SearchQuery): Promise<SearchAnswer> {
  const plan = planSql(query)
  switch (plan.path) {
    case "sql-near":
      return await searchNear(query, (disk, window) => listNear(db, query, disk, window), plan.around)
    case "sql-near-named":
      return await searchNear(query, (disk, window) => listNearNamed(db, query, disk, window), plan.around)
    case "sql-listing":
      return await searchListing(db, query)
    default:
      return plan satisfies never
  }
}

type List = (disk: Disk, window: Window) => Promise<FoundRow[]>

/**
 * One statement where at most TOTAL_MAX doctors are within the radius. Where there are more, the page's last doctor is no farther
 * than the same place among those that were found, so the widening ends there at the latest.
 */
async function searchNear(query: SearchQuery, list: List, around: Position): Promise<SearchAnswer> {
  const { page, limit, radius } = query
  const offset = (page - 1) * limit
  const found = await list(diskOf(around, radius), { offset, limit, hitsMax: TOTAL_MAX + 1 })
  const hits = found[0]?.hits ?? 0
  if (hits <= TOTAL_MAX) return { data: listed(found), page, limit, total: hits, totalIsExact: true }
  const boundKm = (found.length === limit ? found.at(-1)?.km : null) ?? radius
  const startKm = Math.min(FIRST_SHARE * radius * Math.sqrt((offset + limit) / hits), boundKm)
  const data = await widen(list, around, { offset, limit, hitsMax: NO_MAX }, startKm, boundKm, radius)
  return { data, page, limit, total: TOTAL_MAX, totalIsExact: false }
}

/** Widens until the disk holds the page's last doctor, or is the whole. Whatever the start and the bound, the page is exact. */
async function widen(list: List, around: Position, window: Window, startKm: number, boundKm: number, radiusKm: number) {
  for (let km = startKm; ; km = km < boundKm ? Math.min(km * WIDENING, boundKm) : radiusKm) {
    const found = await list(diskOf(around, km), window)
    if (km >= radiusKm || (found[0]?.hits ?? 0) >= window.offset + window.limit) return listed(found)
  }
}

async function searchListing(db: Db, query: SearchQuery): Promise<SearchAnswer> {
  const { page, limit } = query
  const offset = (page - 1) * limit
  const found = await listByName(db, query, { offset, limit, hitsMax: TOTAL_MAX + 1 })
  const hits = found[0]?.hits ?? 0
  if (hits <= TOTAL_MAX) return { data: listed(found), page, limit, total: hits, totalIsExact: true }
  const data = (await listPageByName(db, query, limit, offset)).map((doctor) => ({ ...doctor, distanceKm: null }))
  return { data, page, limit, total: TOTAL_MAX, totalIsExact: false }
}

function diskOf({ latitude, longitude }: Position, radiusKm: number): Disk {
  return { latitude, longitude, radiusKm, ...coverOf(latitude, longitude, radiusKm) }
}

function listed(found: readonly FoundRow[]): DoctorListing[] {
  return found.flatMap(({ hits: _, km, ...doctor }) => (doctor.id === null ? [] : [{ ...doctor, distanceKm: rounded(km) }]))
}

/** To metres. */
function rounded(km: number | null): number | null {
  return km === null ? null : Math.round(km * 1000) / 1000
}
