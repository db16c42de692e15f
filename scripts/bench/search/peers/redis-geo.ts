/** Redis GEOSEARCH over a set for each specialization and one for all; doctors' texts and fees stand ready in the process. */
import type { Redis } from "ioredis"
import type { Pool } from "../../../../core/db.ts"
import { haversineKm } from "../../../../core/doctors/search/haversine.ts"
import { joinedAnswer, listings, openText, withDistance } from "./listing.ts"
import type { Peer } from "./peer.ts"
import { LIMIT, type Question } from "./question.ts"

/** Redis computes with a radius of 6372.797560856 km and keeps places to about half a metre. */
const RIM_SHARE = 1.0003
const RIM_KM = 0.001
/** A filter that Redis does not know is applied to ever more of the nearest. */
const WIDENING = 4

const keyOf = (specialization: string | undefined) => `geo:${specialization?.toLowerCase() ?? ""}`

/** The Redis is emptied first. */
export async function redisGeo(pool: Pool, redis: Redis): Promise<Peer> {
  const started = performance.now()
  const [texts, latitudes, longitudes, fees]: [string[], number[], number[], number[]] = [[], [], [], []]
  // A file that grows with every place would slow the load, and is of no use here.
  await redis.config("SET", "appendonly", "no")
  await redis.flushall()
  for await (const batch of listings(pool)) {
    const pipeline = redis.pipeline()
    for (const doctor of batch) {
      for (const key of [keyOf(undefined), keyOf(doctor.specialization)])
        pipeline.geoadd(key, doctor.clinicLongitude, doctor.clinicLatitude, texts.length)
      texts.push(openText(doctor))
      latitudes.push(doctor.clinicLatitude)
      longitudes.push(doctor.clinicLongitude)
      fees.push(doctor.consultationFee)
    }
    await pipeline.exec()
  }

  async function nearest({ latitude, longitude, radiusKm, specialization, minFee = 0, maxFee = Number.POSITIVE_INFINITY }: Question) {
    const key = keyOf(specialization)
    const reachKm = radiusKm * RIM_SHARE + RIM_KM
    for (let count = LIMIT; ; count *= WIDENING) {
      const found = (await redis.geosearch(
        key,
        "FROMLONLAT",
        longitude,
        latitude,
        "BYRADIUS",
        reachKm,
        "km",
        "ASC",
        "COUNT",
        count,
      )) as string[]
      const doctors = found.map(Number).filter((d) => (fees[d] as number) >= minFee && (fees[d] as number) <= maxFee)
      if (doctors.length >= LIMIT || found.length < count) return doctors.slice(0, LIMIT)
    }
  }

  return {
    loadSeconds: (performance.now() - started) / 1000,
    async answer(question) {
      const { latitude, longitude, radiusKm } = question
      const hits = (await nearest(question)).map((doctor) => ({
        doctor,
        km: haversineKm(latitude, longitude, latitudes[doctor] as number, longitudes[doctor] as number),
      }))
      const within = hits.filter(({ km }) => km <= radiusKm).sort((a, b) => a.km - b.km)
      return joinedAnswer(within.map(({ doctor, km }) => withDistance(texts[doctor] as string, km)))
    },
  }
}
