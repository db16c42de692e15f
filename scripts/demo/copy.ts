/** Rows as COPY's text format (PostgreSQL manual, COPY, "Text Format"), streamed so that memory stays flat. */
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import type postgres from "postgres"
import { caseKey, fold } from "../../core/text.ts"
import type { Clinic } from "./clinics.ts"
import type { Doctor } from "./doctors.ts"

export const CLINIC_COLUMNS = [
  "id",
  "name",
  "address",
  "city",
  "city_key",
  "latitude",
  "longitude",
  "timezone",
  "verification_code",
  "created_at",
]

export const DOCTOR_COLUMNS = [
  ...["id", "uid", "clinic_id", "name", "name_fold", "specialization", "specialization_key", "consultation_fee", "currency"],
  ...["clinic_name", "clinic_name_fold", "clinic_address", "city", "city_key", "clinic_latitude", "clinic_longitude"],
  ...["h3_r4", "h3_r6", "h3_r8", "services", "working_hours", "slot_minutes", "timezone", "bio", "created_at", "updated_at"],
]

/** What one write hands to the socket: large enough that a million rows take few of them. */
const CHUNK_CHARACTERS = 128 * 1024

export function clinicLine(clinic: Clinic): string {
  const { name, timezone } = clinic.city
  return line([
    clinic.id,
    clinic.name,
    clinic.address,
    name,
    keyOf(name),
    clinic.latitude,
    clinic.longitude,
    timezone,
    clinic.verificationCode,
    new Date(clinic.createdMs).toISOString(),
  ])
}

export function doctorLine(doctor: Doctor, cells: { h3R4: string; h3R6: string; h3R8: string }): string {
  const { clinic } = doctor
  const created = new Date(doctor.createdMs).toISOString()
  return line([
    doctor.id,
    doctor.uid,
    clinic.id,
    doctor.name,
    fold(doctor.name),
    doctor.specialization,
    keyOf(doctor.specialization),
    doctor.fee,
    doctor.currency,
    clinic.name,
    fold(clinic.name),
    clinic.address,
    clinic.city.name,
    keyOf(clinic.city.name),
    clinic.latitude,
    clinic.longitude,
    cells.h3R4,
    cells.h3R6,
    cells.h3R8,
    array(doctor.services),
    JSON.stringify(doctor.workingHours),
    doctor.slotMinutes,
    clinic.city.timezone,
    doctor.bio,
    created,
    created,
  ])
}

/** Cities and specializations are few: their keys are made once. */
const keys = new Map<string, string>()

function keyOf(text: string): string {
  const key = keys.get(text) ?? caseKey(text)
  keys.set(text, key)
  return key
}

function array(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replace(/["\\]/g, "\\$&")}"`).join(",")}}`
}

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" }

function line(values: readonly (string | number | null)[]): string {
  return `${values.map((value) => (value === null ? "\\N" : String(value).replace(/[\\\t\n\r]/g, (c) => ESCAPES[c] ?? c))).join("\t")}\n`
}

/**
 * Writes all lines to a `copy … from stdin`, waiting for the socket whenever it is full. Resolves when the server has taken
 * the last; throws what it refuses.
 */
export async function copyLines(lines: Iterable<string>, query: postgres.PendingQuery<postgres.Row[]>): Promise<void> {
  const refused = refusalOf(query)
  const into = await Promise.race([query.writable(), refused])
  await Promise.race([pipeline(Readable.from(chunks(lines)), into), refused])
}

/** Of an error after the last line the driver tells only by rejecting a promise that it has resolved already (porsager/postgres#1173). */
function refusalOf(query: object): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const driver = query as { reject: (error: unknown) => void }
  const rejectQuery = driver.reject
  driver.reject = (error) => {
    rejectQuery(error)
    reject(error)
  }
  return promise
}

function* chunks(lines: Iterable<string>): Generator<Buffer, void> {
  let chunk = ""
  for (const text of lines) {
    chunk += text
    if (chunk.length < CHUNK_CHARACTERS) continue
    yield Buffer.from(chunk)
    chunk = ""
  }
  if (chunk !== "") yield Buffer.from(chunk)
}
