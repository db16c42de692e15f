/** An active doctor, as searched and listed, and the bytes of it that answers are made of. */
import type { DoctorListing } from "../search/schema.ts"

/** An active doctor's row. `version` grows with each change of the row. */
export type IndexedDoctor = Omit<DoctorListing, "distanceKm"> & { version: number }

/**
 * A doctor's JSON without the distance and the end, as `JSON.stringify` writes it: the fields of a listing in the order in which SQL
 * selects them.
 */
export function jsonPrefix(d: IndexedDoctor): string {
  const { id, name, specialization, consultationFee, currency } = d
  const own = JSON.stringify({ id, name, specialization, consultationFee, currency })
  return `${own.slice(0, -1)}${clinicJson(d)}${JSON.stringify(d.services)}`
}

let last: { json: string; of: IndexedDoctor } | undefined

/** What stands between the currency and the services. A clinic's doctors often come one after the other: half of their JSON is the same. */
function clinicJson(d: IndexedDoctor): string {
  if (last === undefined || !isSameClinic(d, last.of)) {
    const { clinicId, clinicName, clinicAddress, city, clinicLatitude, clinicLongitude } = d
    const json = JSON.stringify({ clinicId, clinicName, clinicAddress, city, clinicLatitude, clinicLongitude })
    last = { json: `,${json.slice(1, -1)},"services":`, of: d }
  }
  return last.json
}

function isSameClinic(a: IndexedDoctor, b: IndexedDoctor): boolean {
  return (
    a.clinicId === b.clinicId &&
    a.clinicName === b.clinicName &&
    a.clinicAddress === b.clinicAddress &&
    a.city === b.city &&
    a.clinicLatitude === b.clinicLatitude &&
    a.clinicLongitude === b.clinicLongitude
  )
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
