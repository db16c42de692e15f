/** Searches around a position, by SQL: as few statements as can be, mostly one, each of which reads about what its page needs. */
import type { Db } from "../../db.ts"
import { TOTAL_MAX } from "../../pages.ts"
import { reachOf } from "./box.ts"
import { coverOf, type Origin, originOf, partedCoverOf } from "./cover.ts"
import { Densities } from "./densities.ts"
import type { Position } from "./plan.ts"
import { type Around, type Disk, type Filters, type Found, listAll, listAllNamed, listNearest, type Window } from "./queries.ts"

/** How fine the cells of what is read row by row are. Measured: half or twice as fine costs a twentieth more. */
const NEAR_FINENESS = 1.5
/** Of what is counted in an index: finer cells have more inside for certain, which needs no distance. */
const COUNT_FINENESS = 2

/** The page may end so much farther away than the one before from hereabouts. */
const GUESS_MARGIN = 1.2
/** Nearer than this nobody is looked for alone. */
const NEAR_MIN_KM = 0.05
/** From this share of the radius on all is read at once. */
const WHOLE_SHARE = 0.6
/** Where nothing is known it starts at this share of the radius that would hold the page if doctors were spread evenly, for they never are. */
const FIRST_SHARE = 0.5
/** How it goes on: four times the area. */
const WIDENING = 2

/** Bearing on speed alone, so that all databases of a process may share it. */
const densities = new Densities()

export type NearSearch = { around: Position; radiusKm: number; filters: Filters; window: Window }
type Search = Around & { radiusKm: number }

/** Every page comes from one statement, and so from one moment. */
export async function findNear(db: Db, near: NearSearch): Promise<Found> {
  const search = { ...near, origin: originOf(near.around) }
  const { origin, filters, window, radiusKm } = search
  const guessKm = densities.guessKm(origin, filters.key, window.offset + window.limit)
  if (guessKm !== undefined && guessKm * GUESS_MARGIN < radiusKm * WHOLE_SHARE) return await widen(db, search, guessKm * GUESS_MARGIN)
  const found = await listAll(db, search, diskOf(origin, radiusKm, coverOf(origin, radiusKm, NEAR_FINENESS)))
  if (found.hits > TOTAL_MAX) return await widen(db, search, firstKm(search))
  remember(search, found)
  return found
}

/** As {@link findNear}, where a part of a name may be the better way in; `pool` plans with the values in sight. */
export async function findNearNamed(db: Db, pool: Db, near: NearSearch): Promise<Found> {
  const search = { ...near, origin: originOf(near.around) }
  const { origin, radiusKm } = search
  const found = await listAllNamed(pool, search, diskOf(origin, radiusKm, coverOf(origin, radiusKm, NEAR_FINENESS)))
  return found.hits > TOTAL_MAX ? await widen(db, search, firstKm(search)) : found
}

function firstKm({ radiusKm, window }: Search): number {
  return FIRST_SHARE * radiusKm * Math.sqrt((window.offset + window.limit) / TOTAL_MAX)
}

/** Widens until the near disk holds the page's last doctor, or is the whole. Whatever the start, the page is exact. */
async function widen(db: Db, search: Search, startKm: number): Promise<Found> {
  const { origin, radiusKm, window } = search
  const whole = diskOf(origin, radiusKm, partedCoverOf(origin, radiusKm, COUNT_FINENESS))
  for (let km = Math.max(NEAR_MIN_KM, startKm); ; km *= WIDENING) {
    const nearKm = km < radiusKm * WHOLE_SHARE ? toMetres(km) : radiusKm
    const found = await listNearest(db, search, diskOf(origin, nearKm, coverOf(origin, nearKm, NEAR_FINENESS)), whole)
    if (nearKm < radiusKm && found.listed < expectedOn(window, found.hits)) continue
    remember(search, found)
    return found
  }
}

/** Any radius does; this one has few digits to be written, sent and read. */
function toMetres(km: number): number {
  return Math.ceil(km * 1_000) / 1_000
}

/** How many a page has, as far as that is known: where not all are counted there may be more. */
function expectedOn({ offset, limit }: Window, hits: number): number {
  return hits > TOTAL_MAX ? limit : Math.min(limit, Math.max(0, hits - offset))
}

function remember({ origin, radiusKm, filters, window }: Search, { hits, listed, km }: Found): void {
  if (listed === window.limit) densities.remember(origin, filters.key, km, window.offset + listed)
  else if (window.offset === 0) densities.remember(origin, filters.key, radiusKm, Math.max(1, hits))
}

function diskOf<Cover>({ latitude, longitude }: Origin, radiusKm: number, cover: Cover): Disk<Cover> {
  return { radiusKm, reach: reachOf(latitude, longitude, radiusKm), cover }
}
