/**
 * Clinics in three zones with doctors and desks, patients in two cities, doctors who take no bookings and move about, and some who may hear
 * nothing. All sign up over REST.
 */
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import type { Caller, Calls } from "./calls.ts"
import type { Person } from "./evidence.ts"

const ZONES = [
  { city: "New York", timezone: "America/New_York" },
  { city: "Delhi", timezone: "Asia/Kolkata" },
  { city: "Lisbon", timezone: "Europe/Lisbon" },
]
const DOCTORS_A_CLINIC = 2
const PATIENTS = 12
const ROAMERS = 8
const TOKEN_SECONDS = 12 * 3_600

export type Member = Caller & Person
export type Clinic = {
  id: string
  doctors: Member[]
  desk: Member /** Turned away at half time. */
  dismissed: Member & { receptionistId: string }
}
export type World = {
  clinics: Clinic[]
  patients: Member[]
  /** Two a clinic: what changes of the clinic changes for both. */
  roamers: Member[]
  strangers: Member[]
}

/** Within reach of one search are all of them, wherever they go. */
export const REGION = { latitude: 39, longitude: -73, reachKm: 500 }
export const SPECIALIZATIONS = ["Cardiology", "Dermatology"]

const caller = (uid: string): Caller => ({
  uid,
  token: mintDevelopmentToken({ projectId: "demo-pulsecal", uid, expiresInSeconds: TOKEN_SECONDS }),
})

const day: [string, string][] = [["00:00", "24:00"]]
const always = { mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day }

export async function signUp(calls: Calls): Promise<World> {
  const clinics: Clinic[] = []
  for (const [n, zone] of ZONES.entries()) clinics.push(await signUpClinic(calls, n, zone))
  const patients = await Promise.all(
    Array.from({ length: PATIENTS }, async (_, n): Promise<Member> => {
      const who = caller(`patient-${n}`)
      const city = ZONES[n % 2]?.city ?? ""
      const { id } = await made(calls, who, "/patients", { name: `Patient ${n}`, city })
      return { ...who, role: "PATIENT", patientId: String(id), city: city.toLowerCase() }
    }),
  )
  const unborn = { ...caller("nobody"), role: "NOBODY" as const }
  const pending = caller("pending-desk")
  await made(calls, pending, "/receptionists", { clinicId: clinics[0]?.id, name: "Pending" })
  const roamers: Member[] = []
  for (let n = 0; n < ROAMERS; n += DOCTORS_A_CLINIC) roamers.push(...(await signUpRoamers(calls, n)))
  return { clinics, patients, roamers, strangers: [unborn, { ...pending, role: "NOBODY" }] }
}

async function signUpClinic(calls: Calls, n: number, { city, timezone }: (typeof ZONES)[number]): Promise<Clinic> {
  const place = { clinicName: `Clinic ${n}`, clinicAddress: "1 Main Street", city, clinicLatitude: 40 - n, clinicLongitude: -74 + n }
  const { doctors, clinicId, code } = await signUpDoctors(calls, `doctor-${n}`, place, timezone)
  const receptionist = async (uid: string) => {
    const who = caller(uid)
    const { id } = await made(calls, who, "/receptionists", { clinicId, verificationCode: code, name: uid })
    return { ...who, role: "RECEPTIONIST" as const, clinicId, receptionistId: String(id) }
  }
  return { id: clinicId, doctors, desk: await receptionist(`desk-${n}`), dismissed: await receptionist(`former-desk-${n}`) }
}

async function signUpRoamers(calls: Calls, n: number): Promise<Member[]> {
  const { city, timezone } = ZONES[n % ZONES.length] as (typeof ZONES)[number]
  const { latitude: clinicLatitude, longitude: clinicLongitude } = REGION
  const place = { clinicName: `Tent ${n}`, clinicAddress: "Anywhere", city, clinicLatitude, clinicLongitude }
  return (await signUpDoctors(calls, `roamer-${n}`, place, timezone)).doctors
}

/** Of one clinic: the first makes it, the others join with its code. */
async function signUpDoctors(calls: Calls, uid: string, place: Record<string, unknown>, timezone: string) {
  const doctors: Member[] = []
  let clinicId = ""
  let code = ""
  for (let d = 0; d < DOCTORS_A_CLINIC; d++) {
    const who = caller(`${uid}-${d}`)
    const profile = { name: `Doctor ${uid} ${d}`, specialization: "Cardiology", consultationFee: 100, workingHours: always, timezone }
    const joining = { clinicId, clinicVerificationCode: code }
    const body = await made(calls, who, "/doctors", { ...profile, ...(d === 0 ? place : joining) })
    clinicId = String(body.clinicId)
    code = String(body.clinicVerificationCode)
    doctors.push({ ...who, role: "DOCTOR", doctorId: String(body.id), clinicId, timezone })
  }
  return { doctors, clinicId, code }
}

async function made(calls: Calls, who: Caller, path: string, body: Record<string, unknown>): Promise<Record<string, unknown>> {
  const answer = await calls.make(who, { method: "POST", path, body })
  if (answer?.status !== 201) throw new Error(`${who.uid} could not sign up: ${JSON.stringify(answer)}`)
  return answer.body
}
