/** Makes of a doctor's JSON what their record is written from. */
import { FoldedName } from "./folded-name.ts"
import { KnownTexts } from "./known-texts.ts"
import { type IndexedDoctor, jsonPrefix } from "./listed-doctor.ts"
import { distanceBefore, isPlain, Listing, numberIn, VERSION_AFTER } from "./listing.ts"
import type { Content } from "./record-layout.ts"
import { addPlainSignature, addSignature } from "./signature.ts"

/** Of the fees that are whole thousandths: the columns of the table are. Other ones are looked up in the JSON. */
export const FEE_STEPS = 1_000
export const FEE_ELSEWHERE = 0x7fffffff

/** A JSON text is at most 3 bytes a UTF-16 unit. */
const BYTES_PER_UNIT = 3
const FIRST_BYTES = 4096

const encoder = new TextEncoder()
const listing = new Listing()
const specializations = new KnownTexts()
const cities = new KnownTexts()
const doctorFold = new FoldedName()
const clinicFold = new FoldedName()
/** For JSON that does not stand ready, or has folded names behind it. */
let own = Buffer.alloc(FIRST_BYTES)
/** A clinic's doctors often come one after the other. */
const clinic = {
  bytes: Buffer.alloc(FIRST_BYTES),
  length: 0,
  nameAt: 0,
  isPlain: true,
  signature: new Int32Array(2),
  city: "",
  latitude: 0,
  longitude: 0,
}

const content: Content = {
  latitude: 0,
  longitude: 0,
  version: 0,
  fee: 0,
  specializationName: "",
  cityName: "",
  specialization: 0,
  city: 0,
  bytes: own,
  from: 0,
  jsonLength: 0,
  length: 0,
  clinicAt: 0,
  signature: new Int32Array(4),
}

/** One object serves all calls: its values hold until the next one. */
export function contentOf(d: IndexedDoctor): Content {
  const json = jsonPrefix(d)
  reserve(json.length * BYTES_PER_UNIT)
  return contentOfJson(own, 0, encoder.encodeInto(json, own).written, d.version)
}

/** The same of JSON that has the version for a distance, and stands between two bytes. They must stay until the record is written. */
export function contentOfLine(bytes: Buffer, from: number, to: number): Content {
  const end = distanceBefore(bytes, to)
  return contentOfJson(bytes, from, end, numberIn(bytes, end + VERSION_AFTER, to))
}

function contentOfJson(bytes: Buffer, from: number, to: number, version: number): Content {
  listing.read(bytes, from)
  if (!listing.hasClinic(clinic.bytes, clinic.length)) readClinic()
  content.latitude = clinic.latitude
  content.longitude = clinic.longitude
  content.version = version
  content.fee = feeStepsOf(numberIn(bytes, listing.feeFrom, listing.feeTo))
  content.specializationName = specializations.textIn(bytes, listing.specializationFrom, listing.specializationTo)
  content.cityName = clinic.city
  content.bytes = bytes
  content.from = from
  content.jsonLength = to - from
  content.length = to - from
  content.clinicAt = listing.clinicFrom + clinic.nameAt - from
  addNames(bytes)
  return content
}

function readClinic(): void {
  clinic.length = 0
  listing.readClinic()
  const { bytes, clinicFrom, clinicTo, clinicNameFrom, clinicNameTo } = listing
  if (clinic.bytes.length < clinicTo - clinicFrom) clinic.bytes = Buffer.alloc(clinicTo - clinicFrom)
  bytes.copy(clinic.bytes, 0, clinicFrom, clinicTo)
  clinic.nameAt = clinicNameFrom - clinicFrom
  clinic.city = cities.textIn(bytes, listing.cityFrom, listing.cityTo)
  clinic.latitude = numberIn(bytes, listing.latitudeFrom, listing.latitudeTo)
  clinic.longitude = numberIn(bytes, listing.longitudeFrom, listing.longitudeTo)
  clinic.isPlain = isPlain(bytes, clinicNameFrom, clinicNameTo)
  clinicFold.read(bytes, clinicNameFrom, clinicNameTo)
  signFold(clinicFold, clinic.signature)
  clinic.length = clinicTo - clinicFrom
}

function addNames(bytes: Buffer): void {
  const { nameFrom, nameTo } = listing
  const plain = isPlain(bytes, nameFrom, nameTo)
  content.signature[2] = clinic.signature[0] as number
  content.signature[3] = clinic.signature[1] as number
  if (plain) addPlainSignature(bytes, nameFrom, nameTo, content.signature, 0)
  if (plain && clinic.isPlain) return
  doctorFold.read(bytes, nameFrom, nameTo)
  signFold(doctorFold, content.signature)
  addFolds()
}

function signFold({ text, bytes, length }: FoldedName, into: Int32Array): void {
  if (text === undefined) addPlainSignature(bytes, 0, length, into, 0)
  else addSignature(text, into, 0)
}

function addFolds(): void {
  const { bytes, from, jsonLength } = content
  reserve(jsonLength + doctorFold.length + clinicFold.length + 2)
  if (bytes !== own) bytes.copy(own, 0, from, from + jsonLength)
  content.bytes = own
  content.from = 0
  content.length = jsonLength
  for (const { bytes: folded, length } of [doctorFold, clinicFold]) {
    folded.copy(own, content.length, 0, length)
    own[content.length + length] = 0
    content.length += length + 1
  }
}

function reserve(bytes: number): void {
  if (own.length >= bytes) return
  const larger = Buffer.alloc(bytes)
  larger.set(own)
  own = larger
}

function feeStepsOf(fee: number): number {
  const steps = Math.round(fee * FEE_STEPS)
  return steps / FEE_STEPS === fee && steps >= 0 && steps < FEE_ELSEWHERE ? steps : FEE_ELSEWHERE
}
