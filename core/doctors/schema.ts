import { z } from "zod"
import { currency, DEFAULT_CURRENCY, fitsCurrency, latitude, longitude, longText, MONEY_MAX, text, timeZone, uuid } from "../fields.ts"
import { SlotMinutes, WorkingHours } from "./schedule/working-hours.ts"
import type { DoctorListing } from "./search/schema.ts"

/** More services than any real practice lists; a bound on what every search answer carries. */
const SERVICES_MAX = 50

const clinicFields = {
  clinicName: text.optional(),
  clinicAddress: text.optional(),
  city: text.optional(),
  clinicLatitude: latitude.optional(),
  clinicLongitude: longitude.optional(),
}
type ClinicField = keyof typeof clinicFields
const clinicFieldNames = Object.keys(clinicFields) as ClinicField[]

const practiceFields = {
  name: text,
  specialization: text,
  consultationFee: z.number().min(0).max(MONEY_MAX),
  currency: currency.optional(),
  services: z.array(text).max(SERVICES_MAX).optional(),
  workingHours: WorkingHours,
  slotMinutes: SlotMinutes.optional(),
  timezone: timeZone.optional(),
  bio: longText.nullish(),
}

/** Onboarding: with the fields of a new clinic, or with the id and verification code of one that exists. */
export const CreateDoctor = z
  .strictObject({ ...practiceFields, ...clinicFields, clinicId: uuid.optional(), clinicVerificationCode: text.optional() })
  .superRefine((d, ctx) => {
    const complain = (path: string, message: string) => ctx.addIssue({ code: "custom", path: [path], message })
    if (!fitsCurrency(d.consultationFee, d.currency ?? DEFAULT_CURRENCY)) complain("consultationFee", "has more decimals than its currency")
    const joins = d.clinicId !== undefined || d.clinicVerificationCode !== undefined
    if (joins && d.clinicId === undefined) complain("clinicId", "is required with clinicVerificationCode")
    if (joins && d.clinicVerificationCode === undefined) complain("clinicVerificationCode", "is required with clinicId")
    for (const field of clinicFieldNames) {
      if (joins && d[field] !== undefined) complain(field, "must not be given with clinicId: the clinic has its own")
      if (!joins && d[field] === undefined) complain(field, "is required")
    }
  })
export type CreateDoctor = z.infer<typeof CreateDoctor>

/** Any of the fields but the clinic's identity. A clinic's name and place are the clinic's: they change for all its doctors. */
export const ChangeDoctor = z
  .strictObject({
    ...practiceFields,
    ...clinicFields,
    name: text.optional(),
    specialization: text.optional(),
    consultationFee: practiceFields.consultationFee.optional(),
    workingHours: WorkingHours.optional(),
    active: z.boolean().optional(),
  })
  .superRefine((d, ctx) => {
    if ((d.clinicLatitude === undefined) === (d.clinicLongitude === undefined)) return
    const [lacking, given] = d.clinicLatitude === undefined ? ["clinicLatitude", "clinicLongitude"] : ["clinicLongitude", "clinicLatitude"]
    ctx.addIssue({ code: "custom", path: [lacking as string], message: `is required with ${given}` })
  })
export type ChangeDoctor = z.infer<typeof ChangeDoctor>

/** What anyone signed in may read of a doctor. */
export type DoctorProfile = DoctorListing & { bio: string | null; workingHours: WorkingHours; slotMinutes: number; timezone: string }

/** The doctor's own view. The code lets colleagues and receptionists join the clinic. */
export type OwnDoctorProfile = DoctorProfile & { clinicVerificationCode: string; active: boolean }
