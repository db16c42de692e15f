/** The formula over every row, in the same database. */
import type { Pool } from "../../../../core/db.ts"
import { answerOf, LISTED, type Listed, roundedKm } from "./listing.ts"
import type { Peer } from "./peer.ts"
import { LIMIT } from "./question.ts"

export function haversine(pool: Pool): Peer {
  return {
    loadSeconds: undefined,
    async answer({ latitude, longitude, radiusKm, specialization, minFee, maxFee }) {
      const rows = await pool<(Listed & { km: number })[]>`
        select ${pool.unsafe(LISTED)}, km from (
          select id, km from (
            select id, haversine_km(${latitude}, ${longitude}, clinic_latitude, clinic_longitude) as km
            from doctors
            where active
              and (${specialization?.toLowerCase() ?? null}::text is null or specialization_key = ${specialization?.toLowerCase() ?? null})
              and (${minFee ?? null}::numeric is null or consultation_fee >= ${minFee ?? null})
              and (${maxFee ?? null}::numeric is null or consultation_fee <= ${maxFee ?? null})) every
          where km <= ${radiusKm} order by km, id limit ${LIMIT}) nearest
        join doctors using (id) order by km, id`
      return answerOf(rows.map(({ km, ...doctor }) => ({ ...doctor, distanceKm: roundedKm(km) })))
    },
  }
}
