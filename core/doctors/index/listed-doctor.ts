/** An active doctor, as searched and listed, and the bytes of it that answers are made of. */
import type { DoctorListing } from "../search/schema.ts"

/** An active doctor's row. `version` grows with each change of the row. */
export type IndexedDoctor = Omit<DoctorListing, "distanceKm"> & { version: number }

/** A doctor's JSON without the distance and the end: the fields of a listing in the order in which SQL selects them. */
export function jsonPrefix(d: IndexedDoctor): string {
  const json = JSON.stringify({
    id: d.id,
    name: d.name,
    specialization: d.specialization,
    consultationFee: d.consultationFee,
    currency: d.currency,
    clinicId: d.clinicId,
    clinicName: d.clinicName,
    clinicAddress: d.clinicAddress,
    city: d.city,
    clinicLatitude: d.clinicLatitude,
    clinicLongitude: d.clinicLongitude,
    services: d.services,
  })
  return json.slice(0, -1)
}

/** Of the bytes of {@link jsonPrefix}, which hold every listed field, and the version. */
export function bytesChecksum(bytes: Uint8Array, version: number): bigint {
  return Bun.hash.xxHash64(bytes, BigInt(version))
}

/** One doctor's share of an index's checksum: depends on every listed field and the version. */
export function doctorChecksum(doctor: IndexedDoctor): bigint {
  return bytesChecksum(Buffer.from(jsonPrefix(doctor)), doctor.version)
}

/** Ids stand in the JSON behind `{"id":"`. */
export const ID_AT = 7
export const ID_BYTES = 36
/** Names stand behind `{"id":"…","name":"`. */
export const NAME_AT = ID_AT + ID_BYTES + 10
