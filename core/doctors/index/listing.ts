/**
 * Reads a doctor's JSON where it stands, byte by byte: no text is made of what nobody looks at. It has the fields of a listing in their
 * order, as `jsonPrefix` writes them and as Postgres keeps them in `searchable_doctors`.
 */
import { ID_AT, ID_BYTES } from "./listed-doctor.ts"

const QUOTE = 34
const COMMA = 44
const COLON = 58
const BACKSLASH = 92
const FIRST_PLAIN = 32
const LAST_PLAIN = 126
const ZERO = 48
const MINUS = 45
const POINT = 46
/** A whole number with no more digits is a double without rounding. */
const WHOLE_DIGITS_MAX = 15
const POWERS = Array.from({ length: WHOLE_DIGITS_MAX + 1 }, (_, n) => 10 ** n)

const keyOf = (json: string) => Buffer.from(json)
const NAME = keyOf('","name":"')
const SPECIALIZATION = keyOf('","specialization":"')
const FEE = keyOf('","consultationFee":')
const CURRENCY = keyOf(',"currency":"')
const CLINIC = keyOf('","clinicId":"')
const CLINIC_NAME = keyOf('","clinicName":"')
const CLINIC_ADDRESS = keyOf('","clinicAddress":"')
const CITY = keyOf('","city":"')
const LATITUDE = keyOf('","clinicLatitude":')
const LONGITUDE = keyOf(',"clinicLongitude":')
const SERVICES = keyOf(',"services":[')
const DISTANCE = keyOf(',"distanceKm":')
export const VERSION_AFTER = DISTANCE.length

/** Where things stand in the JSON that was last read. Texts are without their quotes. */
export class Listing {
  bytes: Buffer = Buffer.alloc(0)
  from = 0
  nameFrom = 0
  nameTo = 0
  specializationFrom = 0
  specializationTo = 0
  feeFrom = 0
  feeTo = 0
  /** What colleagues of one clinic have in common: from the clinic's id to the services. */
  clinicFrom = 0
  clinicTo = 0
  clinicNameFrom = 0
  clinicNameTo = 0
  cityFrom = 0
  cityTo = 0
  latitudeFrom = 0
  latitudeTo = 0
  longitudeFrom = 0
  longitudeTo = 0

  /** Reads JSON that begins at `from`, up to the clinic. Throws if it is other than expected. */
  read(bytes: Buffer, from: number): void {
    this.bytes = bytes
    this.from = from
    this.nameFrom = behind(bytes, from + ID_AT + ID_BYTES, NAME)
    this.nameTo = textEnd(bytes, this.nameFrom)
    this.specializationFrom = behind(bytes, this.nameTo, SPECIALIZATION)
    this.specializationTo = textEnd(bytes, this.specializationFrom)
    this.feeFrom = behind(bytes, this.specializationTo, FEE)
    this.feeTo = bytes.indexOf(COMMA, this.feeFrom)
    this.clinicFrom = textEnd(bytes, behind(bytes, this.feeTo, CURRENCY))
  }

  /** Reads on to the services. */
  readClinic(): void {
    const { bytes } = this
    this.clinicNameFrom = behind(bytes, behind(bytes, this.clinicFrom, CLINIC) + ID_BYTES, CLINIC_NAME)
    this.clinicNameTo = textEnd(bytes, this.clinicNameFrom)
    this.cityFrom = behind(bytes, textEnd(bytes, behind(bytes, this.clinicNameTo, CLINIC_ADDRESS)), CITY)
    this.cityTo = textEnd(bytes, this.cityFrom)
    this.latitudeFrom = behind(bytes, this.cityTo, LATITUDE)
    this.latitudeTo = bytes.indexOf(COMMA, this.latitudeFrom)
    this.longitudeFrom = behind(bytes, this.latitudeTo, LONGITUDE)
    this.longitudeTo = bytes.indexOf(COMMA, this.longitudeFrom)
    this.clinicTo = behind(bytes, this.longitudeTo, SERVICES)
  }

  /** Whether a clinic that was read before stands here again. */
  hasClinic(clinic: Uint8Array, length: number): boolean {
    const { bytes, clinicFrom } = this
    for (let i = 0; i < length; i++) if (bytes[clinicFrom + i] !== clinic[i]) return false
    return length > 0
  }
}

/** Where the key of the distance begins that ends at `end`, a whole number. */
export function distanceBefore(bytes: Buffer, end: number): number {
  let at = end
  while (bytes[at - 1] !== COLON) at--
  behind(bytes, at - DISTANCE.length, DISTANCE)
  return at - DISTANCE.length
}

/** Whether a text stands in JSON as it is, and its fold is its lower case. */
export function isPlain(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number
    if (byte < FIRST_PLAIN || byte > LAST_PLAIN || byte === BACKSLASH) return false
  }
  return true
}

export function textIn(bytes: Buffer, from: number, to: number): string {
  return isPlain(bytes, from, to) ? bytes.toString("latin1", from, to) : (JSON.parse(bytes.toString("utf8", from - 1, to + 1)) as string)
}

export function numberIn(bytes: Buffer, from: number, to: number): number {
  let whole = 0
  let decimals = -1
  const isNegative = bytes[from] === MINUS
  for (let i = isNegative ? from + 1 : from; i < to; i++) {
    const digit = (bytes[i] as number) - ZERO
    const isPoint = digit === POINT - ZERO && decimals < 0
    if ((!isPoint && (digit < 0 || digit > 9)) || to - from > WHOLE_DIGITS_MAX) return Number(bytes.toString("latin1", from, to))
    if (decimals >= 0 || isPoint) decimals++
    if (!isPoint) whole = whole * 10 + digit
  }
  // Both are whole and exact, so that the quotient is the double nearest to the decimal.
  const size = decimals > 0 ? whole / (POWERS[decimals] as number) : whole
  return isNegative ? -size : size
}

/** Of a text that begins at `from`: where its closing quote stands. */
function textEnd(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) return at
    if (byte === BACKSLASH) at++
  }
  throw new Error("a listing ends within a text")
}

/** Behind what must stand there. */
function behind(bytes: Buffer, at: number, key: Buffer): number {
  for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) throw new Error(`a listing lacks ${key} at byte ${at}`)
  return at + key.length
}
