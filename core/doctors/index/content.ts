/** Makes of a doctor what their record is written from. */
import { fold } from "../../text.ts"
import { type IndexedDoctor, jsonPrefix } from "./listed-doctor.ts"
import type { Content } from "./record-layout.ts"
import { addSignature } from "./signature.ts"

/** Of the fees that are whole thousandths: the columns of the table are. Other ones are looked up in the JSON. */
export const FEE_STEPS = 1_000
export const FEE_ELSEWHERE = 0x7fffffff

/** Text that stands in JSON as it is, and whose fold is its lower case. */
const PLAIN = /^[ !#-[\]-~]*$/
const CLINIC_KEY = Buffer.from('"clinicName":"')
/** A JSON text is at most 3 bytes a UTF-16 unit. */
const BYTES_PER_UNIT = 3

const encoder = new TextEncoder()
let lastClinic = { name: "", plain: true, folded: "" }

const content: Content = {
  latitude: 0,
  longitude: 0,
  version: 0,
  fee: 0,
  specialization: 0,
  city: 0,
  bytes: Buffer.alloc(4096),
  jsonLength: 0,
  length: 0,
  clinicAt: 0,
  signature: new Int32Array(4),
}

/** One object serves all calls: its values hold until the next one. */
export function contentOf(d: IndexedDoctor, specialization: number, city: number): Content {
  const json = jsonPrefix(d)
  reserve(json.length * BYTES_PER_UNIT)
  content.jsonLength = encoder.encodeInto(json, content.bytes).written
  content.length = content.jsonLength
  content.clinicAt = content.bytes.indexOf(CLINIC_KEY) + CLINIC_KEY.length
  content.latitude = d.clinicLatitude
  content.longitude = d.clinicLongitude
  content.version = d.version
  content.fee = feeStepsOf(d.consultationFee)
  content.specialization = specialization
  content.city = city
  addNames(d.name, clinicOf(d.clinicName))
  return content
}

function addNames(name: string, clinic: typeof lastClinic): void {
  const plain = PLAIN.test(name)
  const folded = plain ? name.toLowerCase() : fold(name)
  addSignature(folded, content.signature, 0)
  addSignature(clinic.folded, content.signature, 2)
  if (plain && clinic.plain) return
  const tail = `${folded}\0${clinic.folded}\0`
  reserve(content.jsonLength + tail.length * BYTES_PER_UNIT)
  content.length = content.jsonLength + encoder.encodeInto(tail, content.bytes.subarray(content.jsonLength)).written
}

/** A clinic's doctors often come one after the other. */
function clinicOf(name: string): typeof lastClinic {
  if (lastClinic.name !== name) {
    const plain = PLAIN.test(name)
    lastClinic = { name, plain, folded: plain ? name.toLowerCase() : fold(name) }
  }
  return lastClinic
}

function reserve(bytes: number): void {
  if (content.bytes.length >= bytes) return
  const larger = Buffer.alloc(bytes)
  larger.set(content.bytes)
  content.bytes = larger
}

function feeStepsOf(fee: number): number {
  const steps = Math.round(fee * FEE_STEPS)
  return steps / FEE_STEPS === fee && steps >= 0 && steps < FEE_ELSEWHERE ? steps : FEE_ELSEWHERE
}
