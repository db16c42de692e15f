/**
 * A doctor's block in the arena has the fields that an answer, a tie or a change needs, and the JSON. It is: latitude, longitude
 * (float64), slot, version, length of the JSON, capacity and place of the clinic's name, specialization, fee (int32), the JSON, and for
 * other than plain ASCII names the folded names behind it, each ended by NUL.
 */
export const LATITUDE = 0
export const LONGITUDE = 1
/** Of int32 words. */
export const SLOT = 4
export const VERSION = 5
export const LENGTH = 6
export const SHAPE = 7
export const SPECIALIZATION = 8
export const FEE = 9
/** Of bytes. */
export const JSON_AT = 40
/** In LENGTH: folded names stand behind the JSON. */
export const HAS_FOLDS = 1 << 30
export const LENGTH_MASK = HAS_FOLDS - 1
/** In SHAPE: the capacity in units, and below it the bytes from the JSON's start to the clinic's name. */
export const CAPACITY_SHIFT = 16
export const CLINIC_MASK = 0xffff

/** What a doctor's block is written from. */
export type Content = {
  latitude: number
  longitude: number
  version: number
  fee: number
  /** As the doctor has them; their numbers are given by whoever holds the record. */
  specializationName: string
  cityName: string
  specialization: number
  city: number
  /** From `from` on, `jsonLength` bytes are the JSON, those up to `length` the folded names. */
  bytes: Buffer
  from: number
  jsonLength: number
  length: number
  clinicAt: number
  /** Four words. */
  signature: Int32Array
}
