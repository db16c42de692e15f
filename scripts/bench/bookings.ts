/** Doctors, patients, and bookings that never ask for the same time twice. */
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import { person } from "../../tests/harness/api.ts"

const DOCTORS = 50
const PATIENTS = 200

export type Doctor = { token: string; doctorId: string; clinicId: string }
export type Call = { url: string; init: RequestInit }

export async function onboard(apiUrl: string) {
  const week = Object.fromEntries(["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map((day) => [day, [["00:00", "24:00"]]]))
  const doctors: Doctor[] = []
  for (let i = 0; i < DOCTORS; i++) {
    const doctor = person(apiUrl, `doctor-${i}`)
    const { body } = await doctor.post("/doctors", {
      name: `Doctor ${i}`,
      specialization: "Cardiology",
      consultationFee: 100,
      clinicName: `Clinic ${i}`,
      clinicAddress: "1 Main Street",
      city: "New York",
      clinicLatitude: 40.7,
      clinicLongitude: -74,
      workingHours: week,
      slotMinutes: 30,
    })
    doctors.push({ token: doctor.token, doctorId: body.id, clinicId: body.clinicId })
  }
  const tokens: string[] = []
  for (let i = 0; i < PATIENTS; i++) {
    await person(apiUrl, `patient-${i}`).post("/patients", { name: `Patient ${i}` })
    tokens.push(mintDevelopmentToken({ projectId: "demo-pulsecal", uid: `patient-${i}`, expiresInSeconds: 3600 }))
  }
  return { doctors, tokens }
}

/** Every call is for another slot: the doctors in turn, half-hour after half-hour from next week on. */
export function* bookings(url: string, doctors: Doctor[], tokens: string[]): Generator<Call> {
  const first = Math.ceil(Date.now() / 86_400_000 + 7) * 86_400_000
  for (let n = 0; ; n++) {
    const scheduledAt = new Date(first + Math.floor(n / doctors.length) * 1_800_000).toISOString()
    const body = JSON.stringify({ doctorId: doctors[n % doctors.length]?.doctorId, scheduledAt, reason: "General checkup" })
    yield {
      url,
      init: {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${tokens[n % tokens.length]}`,
          "idempotency-key": crypto.randomUUID(),
        },
      },
    }
  }
}

export function take<T>(from: Generator<T>, count: number): T[] {
  return Array.from({ length: count }, () => from.next().value as T)
}
