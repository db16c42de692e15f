import { type Db, one } from "../../db.ts"
import { TOTAL_MAX } from "../../pages.ts"
import { caseKey, containsPattern, fold } from "../../text.ts"
import type { Reach } from "./box.ts"
import type { Origin, PartedCover, Ranges } from "./cover.ts"
import type { SearchQuery } from "./schema.ts"

/** Which of the hits to answer. */
export type Window = { offset: number; limit: number }

/**
 * `hits`: how many there are, counted to {@link HITS_MAX}, which means more than TOTAL_MAX. `listed` of them are the page, as the JSON of
 * an array's items; the last of the window is `km` away.
 */
export type Found = { hits: number; listed: number; km: number; json: Uint8Array | null }

/** Counting stops there. */
const HITS_MAX = TOTAL_MAX + 1

// A page is one text, made of rows that stand ready: twenty rows of twelve columns cost the server twice and this process five times as
// much. `limit` and `filter` go by an order that comes from below, which Postgres keeps (manual, "Aggregate Functions").
const DOCTORS = "string_agg(listing || rounded_km(km) || '}', ',')"
const DOCTORS_BY_NAME = "string_agg(listing || 'null}', ',')"

/** What a search may ask for besides a radius. Statements name only what is asked for, so that indexes suffice where they can. */
const FILTERS: readonly { of: (q: SearchQuery) => (string | number)[] | undefined; where: (next: () => string) => string }[] = [
  { of: (q) => given(q.specialization, caseKey), where: (next) => `specialization_key = ${next()}` },
  {
    of: (q) => (q.minFee === undefined && q.maxFee === undefined ? undefined : [q.minFee ?? 0, q.maxFee ?? Number.POSITIVE_INFINITY]),
    where: (next) => `fee >= ${next()} and fee <= ${next()}`,
  },
  { of: (q) => given(q.city, caseKey), where: (next) => `city_key = ${next()}` },
  { of: (q) => given(q.name, patternOf), where: (next) => `name_fold like ${next()}` },
  { of: (q) => given(q.clinicName, patternOf), where: (next) => `clinic_name_fold like ${next()}` },
]

/** Of one search: which filters it asks for, a bit each, their values, and what is the same for searches that ask for the same. */
export type Filters = { shape: number; values: (string | number)[]; key: string }

export function filtersOf(q: SearchQuery): Filters {
  const filters: Filters = { shape: 0, values: [], key: "" }
  for (const [i, { of }] of FILTERS.entries()) {
    const values = of(q)
    if (values === undefined) continue
    filters.shape |= 1 << i
    filters.values.push(...values)
    // A number is one of many, and about as rare as its like.
    filters.key += `${i}${typeof values[0] === "string" ? values[0] : ""} `
  }
  return filters
}

/** The conditions of a shape, each after an `and`, with parameters from the given one on. */
function conditionsOf(shape: number, firstParameter: number): string {
  let parameter = firstParameter
  const next = () => `$${parameter++}`
  return FILTERS.map(({ where }, i) => (shape & (1 << i) ? ` and ${where(next)}` : "")).join("")
}

const KM = "haversine_km($1, $2, latitude, longitude)"
const box = (latitude: string, longitude: string) =>
  `and latitude between $1 - ${latitude} and $1 + ${latitude} and longitude between $2 - ${longitude} and $2 + ${longitude}`

// `offset 0` keeps the planner from turning the join round: a scan a range, in their order, until there are enough.
const inRanges = (lows: string, spans: string, columns: string, where: string) => `
  unnest(${lows}::int4[], ${spans}::int4[]) as range (low, span) cross join lateral (
    select ${columns} from searchable_doctors
    where place between $3 + range.low and $3 + range.low + range.span ${where} offset 0) doctor`

/** $1 to $8: the position and its place, which ranges are relative to; the ranges, the radius and its box. */
const hitsAround = (conditions: string) => `
  select listing, id, km from ${inRanges("$4", "$5", `listing, id, ${KM} as km`, `${box("$7", "$8")} ${conditions}`)} where km <= $6`

/** Those after `from` to `to`, by distance, of hits that are no more than are counted. */
const ranked = (hits: string, from: string, to: string) => `
  select count(*) as hits, count(*) filter (where nth > ${from} and nth <= ${to}) as listed, max(km) filter (where nth <= ${to}) as km,
    ${DOCTORS} filter (where nth > ${from} and nth <= ${to}) as json
  from (select listing, km, row_number() over (order by km, id) as nth from (${hits} limit ${HITS_MAX}) hits) ranked`

const ALL_PARAMETERS = 10
const all = (conditions: string) => ranked(hitsAround(conditions), "$9", "$10")

const NEAREST_PARAMETERS = 17
/**
 * The page among those near, and how many there are in the whole disk: $11 to $14 its ranges, of which those inside need no distance, so that
 * an index alone counts them; $15 to $17 its radius and box.
 */
const nearest = (conditions: string) => `
  select (
      select count(*) from (
        select from ${inRanges("$11", "$12", "", conditions)}
        union all
        select from ${inRanges("$13", "$14", `${KM} as km`, `${box("$16", "$17")} ${conditions}`)} where km <= $15
        limit ${HITS_MAX}) counted) as hits,
    count(*) as listed, max(km) as km, ${DOCTORS} as json
  from (${hitsAround(conditions)} order by km, id limit $10 offset $9) page`

/** Each shape's statement is made once. */
function shaped(make: (conditions: string) => string, parameters: number): (shape: number) => string {
  const statements = new Map<number, string>()
  return (shape) => {
    const statement = statements.get(shape) ?? make(conditionsOf(shape, parameters + 1))
    statements.set(shape, statement)
    return statement
  }
}
const allOf = shaped(all, ALL_PARAMETERS)
const nearestOf = shaped(nearest, NEAREST_PARAMETERS)

export type Disk<Cover> = { radiusKm: number; reach: Reach; cover: Cover }
/** What a search around a position is about. */
export type Around = { origin: Origin; filters: Filters; window: Window }

/** The page of all doctors in a disk; none of it where more are in it than are counted. */
export async function listAll(db: Db, { origin, filters, window }: Around, disk: Disk<Ranges>): Promise<Found> {
  return await find(db, allOf(filters.shape), [...placed(origin, disk), window.offset, window.offset + window.limit, ...filters.values])
}

/** The page of the doctors in a disk, as far as they are also in the near one. */
export async function listNearest(db: Db, around: Around, near: Disk<Ranges>, whole: Disk<PartedCover>): Promise<Found> {
  const { origin, filters, window } = around
  const { inside, rim } = whole.cover
  return await find(db, nearestOf(filters.shape), [
    ...placed(origin, near),
    ...[window.offset, window.limit, lowsOf(inside, origin), spansOf(inside), lowsOf(rim, origin), spansOf(rim)],
    ...[whole.radiusKm, whole.reach.latitude, whole.reach.longitude],
    ...filters.values,
  ])
}

function placed(origin: Origin, { radiusKm, reach, cover }: Disk<Ranges>): (string | number)[] {
  const { latitude, longitude, place } = origin
  return [latitude, longitude, place, lowsOf(cover, origin), spansOf(cover), radiusKm, reach.latitude, reach.longitude]
}

const NAMED_PARAMETERS = 7
/** As {@link listAll}, by way of whatever the planner holds for rarest: the ranges stand in the statement, which is planned at every call. */
export async function listAllNamed(db: Db, { origin, filters, window }: Around, disk: Disk<Ranges>): Promise<Found> {
  const { lows, spans } = disk.cover
  const ranges = lows.map((low, i) => `place between ${low} and ${low + (spans[i] as number)}`)
  const hits = `
    select listing, id, km from (
      select listing, id, ${KM} as km from searchable_doctors
      where (${ranges.join(" or ")}) ${box("$4", "$5")} ${conditionsOf(filters.shape, NAMED_PARAMETERS + 1)}) doctor
    where km <= $3`
  const values = [origin.latitude, origin.longitude, disk.radiusKm, disk.reach.latitude, disk.reach.longitude]
  const where = [...values, window.offset, window.offset + window.limit, ...filters.values]
  return foundIn(await db.unsafe(ranked(hits, "$6", "$7"), where).raw())
}

const LISTING_PARAMETERS = 2
/** Where there are more hits than are counted, they are any, and the page is found in another way. */
const listing = (conditions: string) => `
  with hits as materialized (select id, name from searchable_doctors where true ${conditions} limit ${HITS_MAX}),
  page as (select id, name from hits where (select count(*) from hits) < ${HITS_MAX} order by name, id limit $2 offset $1)
  select (select count(*) from hits) as hits, count(*) as listed, null as km, ${DOCTORS_BY_NAME} as json
  from (select listing from page join searchable_doctors using (id) order by page.name, page.id) listed`

const listingPage = (conditions: string) => `
  select ${HITS_MAX} as hits, count(*) as listed, null as km, ${DOCTORS_BY_NAME} as json from (
    select listing from (
      select id, name from searchable_doctors where true ${conditions} order by name, id limit $2 offset $1) page
    join searchable_doctors using (id) order by page.name, page.id) listed`

const listingOf = shaped(listing, LISTING_PARAMETERS)
const listingPageOf = shaped(listingPage, LISTING_PARAMETERS)

// These are planned at every call, with the values in sight, which is what an unprepared statement does: whether a name, a city or an order
// is the better way in only the values tell.
/** The doctors anywhere that pass the filters, by name; none listed where there are more than are counted. */
export async function listByName(db: Db, filters: Filters, { offset, limit }: Window): Promise<Found> {
  return foundIn(await db.unsafe(listingOf(filters.shape), [offset, limit, ...filters.values]).raw())
}

/** A page of a listing known to be long: in the order of an index, until the page is full. */
export async function listPageByName(db: Db, filters: Filters, { offset, limit }: Window): Promise<Found> {
  return foundIn(await db.unsafe(listingPageOf(filters.shape), [offset, limit, ...filters.values]).raw())
}

async function find(db: Db, statement: string, values: (string | number)[]): Promise<Found> {
  return foundIn(await db.unsafe(statement, values, { prepare: true }).raw())
}

/** Of the only row: hits, listed, km, json. Its bytes are left as they are, for they are the answer's. */
function foundIn(rows: readonly (Buffer | null)[][]): Found {
  const [hits, listed, km, json] = one(rows)
  return { hits: Number(hits), listed: Number(listed), km: Number(km), json: json ?? null }
}

function given<T, P>(value: T | undefined, key: (value: T) => P): P[] | undefined {
  return value === undefined ? undefined : [key(value)]
}

const patternOf = (part: string) => containsPattern(fold(part))

/** Arrays, written by hand: the driver would quote and escape each number. Small ones, for each digit is written, sent and read. */
function lowsOf({ lows }: Ranges, { place }: Origin): string {
  return `{${lows.map((low) => low - place).join(",")}}`
}

function spansOf({ spans }: Ranges): string {
  return `{${spans.join(",")}}`
}
