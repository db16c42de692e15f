/** A static k-d tree for each specialization and one for all, searched by great-circle distance; doctors' texts stand ready. */
import { around } from "geokdbush"
import KDBush from "kdbush"
import type { Pool } from "../../../../core/db.ts"
import { haversineKm } from "../../../../core/doctors/search/haversine.ts"
import { NODE_SIZE } from "../index-peers.ts"
import { joinedAnswer, listings, openText, withDistance } from "./listing.ts"
import type { Peer } from "./peer.ts"
import { LIMIT } from "./question.ts"

/** geokdbush computes with a radius of 6371 km: what it finds just beyond the rim is taken, and left out by the exact distance. */
const RIM_SHARE = 1.00001

/** The fees are in the order of the tree's own numbers. */
type Tree = { index: KDBush; doctors: number[]; fees: Float64Array }

export async function kdbush(pool: Pool): Promise<Peer> {
  const started = performance.now()
  const [texts, latitudes, longitudes, fees]: [string[], number[], number[], number[]] = [[], [], [], []]
  const members = new Map<string, number[]>()
  for await (const batch of listings(pool))
    for (const doctor of batch) {
      const key = doctor.specialization.toLowerCase()
      const list = members.get(key) ?? []
      if (list.push(texts.length) === 1) members.set(key, list)
      texts.push(openText(doctor))
      latitudes.push(doctor.clinicLatitude)
      longitudes.push(doctor.clinicLongitude)
      fees.push(doctor.consultationFee)
    }
  const plant = (doctors: number[]): Tree => {
    const index = new KDBush(doctors.length, NODE_SIZE)
    for (const doctor of doctors) index.add(longitudes[doctor] as number, latitudes[doctor] as number)
    return { index: index.finish(), doctors, fees: Float64Array.from(doctors, (doctor) => fees[doctor] as number) }
  }
  const all = plant(texts.map((_, doctor) => doctor))
  const trees = new Map([...members].map(([key, doctors]) => [key, plant(doctors)]))
  return {
    loadSeconds: (performance.now() - started) / 1000,
    answer({ latitude, longitude, radiusKm, specialization, minFee = 0, maxFee = Number.POSITIVE_INFINITY }) {
      const tree = specialization === undefined ? all : trees.get(specialization.toLowerCase())
      if (!tree) return joinedAnswer([])
      const { index, doctors, fees } = tree
      const affordable = (at: number) => (fees[at] as number) >= minFee && (fees[at] as number) <= maxFee
      const filter = minFee > 0 || maxFee < Number.POSITIVE_INFINITY ? affordable : undefined
      const found = around(index, longitude, latitude, LIMIT, radiusKm * RIM_SHARE, filter)
      const answer: string[] = []
      for (const at of found) {
        const doctor = doctors[at] as number
        const km = haversineKm(latitude, longitude, latitudes[doctor] as number, longitudes[doctor] as number)
        if (km <= radiusKm) answer.push(withDistance(texts[doctor] as string, km))
      }
      return joinedAnswer(answer)
    },
  }
}
