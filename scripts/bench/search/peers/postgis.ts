/** PostGIS: the nearest in the order of a GiST index, on the sphere as Haversine is. */
import type { Pool } from "../../../../core/db.ts"
import { answerOf, LISTED, type Listed, roundedKm, TOTAL_MAX } from "./listing.ts"
import type { Peer } from "./peer.ts"
import { LIMIT, type Question } from "./question.ts"
import type { PeerTable } from "./tables.ts"

/**
 * The index yields doctors nearest first, so the first twenty that pass the filters are the answer, and the radius need only be looked
 * at in the end: `st_dwithin` beside it was no faster. For geography `<->` is the distance on the sphere (PostGIS manual).
 */
function statement(table: string, filters: string): string {
  return `
    select ${LISTED}, metres from (
      select *, geog <-> st_setsrid(st_makepoint($2, $1), 4326)::geography as metres
      from peers.${table} where true ${filters}
      order by geog <-> st_setsrid(st_makepoint($2, $1), 4326)::geography limit ${LIMIT}) nearest
    where metres <= $3
    order by metres, id`
}

/** As far as our own `total` goes. */
function counting(table: string, filters: string): string {
  return `
    select count(*) as hits from (
      select from peers.${table} where st_dwithin(geog, st_setsrid(st_makepoint($2, $1), 4326)::geography, $3, false) ${filters}
      limit ${TOTAL_MAX + 1}) hits`
}

export async function postgis(pool: Pool, table: PeerTable, withTotal: boolean): Promise<Peer> {
  const [load] = await pool<{ seconds: number }[]>`select seconds from peers.loads where name = ${table}`
  return {
    loadSeconds: load?.seconds,
    async answer(question) {
      const { filters, values } = whereOf(question)
      const list = pool.unsafe<(Listed & { metres: number })[]>(statement(table, filters), values, { prepare: true })
      const count = withTotal ? pool.unsafe<{ hits: number }[]>(counting(table, filters), values, { prepare: true }) : undefined
      const [rows, counted] = await Promise.all([list, count])
      const data = rows.map(({ metres, ...doctor }) => ({ ...doctor, distanceKm: roundedKm(metres / 1000) }))
      return answerOf(data, counted?.[0]?.hits)
    },
  }
}

/** $1 to $3 are the place and the radius; a filter that is not asked for is not in the statement. */
function whereOf({ latitude, longitude, radiusKm, specialization, minFee, maxFee }: Question) {
  const values: (string | number)[] = [latitude, longitude, radiusKm * 1000]
  const filters: string[] = []
  const filter = (condition: string, value: string | number | undefined) => {
    if (value !== undefined) filters.push(`and ${condition} $${values.push(value)}`)
  }
  filter("specialization_key =", specialization?.toLowerCase())
  filter("consultation_fee >=", minFee)
  filter("consultation_fee <=", maxFee)
  return { filters: filters.join(" "), values }
}
