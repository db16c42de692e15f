/** PostGIS: the nearest in the order of a GiST index, on the sphere as Haversine is. */
import { openPool } from "../../../../core/db.ts"
import { answerOf, LISTED, type Listed, roundedKm } from "./listing.ts"
import type { Peer } from "./peer.ts"
import { LIMIT } from "./question.ts"

const POOL = 20

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

export async function postgis(databaseUrl: string, table: "by_geog" | "by_both"): Promise<Peer> {
  const pool = openPool(databaseUrl, { max: POOL, name: "peer", statementTimeoutMs: 0 })
  const [load] = await pool<{ seconds: number }[]>`select seconds from peers.loads where name = ${table}`
  return {
    loadSeconds: load?.seconds,
    async answer({ latitude, longitude, radiusKm, specialization, minFee, maxFee }) {
      const values: (string | number)[] = [latitude, longitude, radiusKm * 1000]
      const filters: string[] = []
      const filter = (condition: string, value: string | number | undefined) => {
        if (value !== undefined) filters.push(`and ${condition} $${values.push(value)}`)
      }
      filter("specialization_key =", specialization?.toLowerCase())
      filter("consultation_fee >=", minFee)
      filter("consultation_fee <=", maxFee)
      const rows = await pool.unsafe<(Listed & { metres: number })[]>(statement(table, filters.join(" ")), values, { prepare: true })
      return answerOf(rows.map(({ metres, ...doctor }) => ({ ...doctor, distanceKm: roundedKm(metres / 1000) })))
    },
  }
}
