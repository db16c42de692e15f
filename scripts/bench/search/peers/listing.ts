/** Doctors as the answer lists them. */
import type { Pool } from "../../../../core/db.ts"
import type { DoctorListing } from "../../../../core/doctors/search/schema.ts"

export type Listed = Omit<DoctorListing, "distanceKm">

export const LISTED = `id, name, specialization, consultation_fee as "consultationFee", currency, clinic_id as "clinicId",
  clinic_name as "clinicName", clinic_address as "clinicAddress", city, clinic_latitude as "clinicLatitude",
  clinic_longitude as "clinicLongitude", services`

const BATCH = 10_000
/** As far as our endpoint counts. */
export const TOTAL_MAX = 1_000

/** Every searchable doctor, in batches. */
export async function* listings(pool: Pool): AsyncGenerator<Listed[]> {
  yield* pool.unsafe<Listed[]>(`select ${LISTED} from doctors where active`).cursor(BATCH) as AsyncIterable<Listed[]>
}

/** The whole answer. Without a `total` that was counted it is what was found: most peers are spared the counting. */
export function answerOf(data: DoctorListing[], counted?: number) {
  const totalIsExact = counted !== undefined && counted <= TOTAL_MAX
  return { data, page: 1, limit: data.length, total: Math.min(counted ?? data.length, TOTAL_MAX), totalIsExact }
}

/** The same from texts. */
export function joinedAnswer(doctors: readonly string[]): string {
  return `{"data":[${doctors.join(",")}],"page":1,"limit":${doctors.length},"total":${doctors.length},"totalIsExact":false}`
}

/** A listing's text without its end, to which {@link withDistance} adds the distance. */
export const openText = (doctor: Listed) => JSON.stringify(doctor).slice(0, -1)
export const withDistance = (text: string, km: number) => `${text},"distanceKm":${roundedKm(km)}}`

/** To metres. */
export const roundedKm = (km: number) => Math.round(km * 1000) / 1000
