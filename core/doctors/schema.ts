import { z } from "zod"
import { EXAMPLES } from "../examples.ts"
import { currency, DEFAULT_CURRENCY, fitsCurrency, latitude, longitude, longText, MONEY_MAX, text, timeZone, uuid } from "../fields.ts"
import { SlotMinutes, WorkingHours } from "./schedule/working-hours.ts"
import { DoctorListing, EXAMPLE_DOCTOR } from "./search/schema.ts"

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

const EXAMPLE_HOURS = {
  mon: [["09:00", "17:00"]],
  tue: [
    ["09:00", "12:30"],
    ["13:30", "17:00"],
  ],
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
  .meta({
    id: "CreateDoctor",
    description: "With the five fields of a new clinic, or with `clinicId` and `clinicVerificationCode` of one that exists.",
    examples: [
      {
        name: "Dr. Ada Osei",
        specialization: "Cardiology",
        consultationFee: 150,
        clinicName: "Harbour Clinic",
        clinicAddress: "1 Water Street",
        city: "New York",
        clinicLatitude: 40.7033,
        clinicLongitude: -74.0105,
        services: ["ECG"],
        workingHours: EXAMPLE_HOURS,
        timezone: EXAMPLES.timezone,
      },
    ],
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
  .meta({
    id: "ChangeDoctor",
    description: "A clinic's name and place change for all its doctors. `clinicLatitude` and `clinicLongitude` come together.",
    examples: [{ consultationFee: 175, active: true }],
  })
export type ChangeDoctor = z.infer<typeof ChangeDoctor>

const EXAMPLE_PROFILE = {
  ...EXAMPLE_DOCTOR,
  distanceKm: null,
  bio: "Hearts, since 2009.",
  workingHours: EXAMPLE_HOURS,
  slotMinutes: 30,
  timezone: EXAMPLES.timezone,
}

/** What anyone signed in may read of a doctor. */
export const DoctorProfile = z
  .object({
    ...DoctorListing.shape,
    bio: z.string().nullable(),
    workingHours: WorkingHours,
    slotMinutes: SlotMinutes,
    timezone: z.string().meta({ description: "An IANA name." }),
  })
  .meta({ id: "Doctor", examples: [EXAMPLE_PROFILE] })
export type DoctorProfile = z.infer<typeof DoctorProfile>

/** The doctor's own view. The code lets colleagues and receptionists join the clinic. */
export const OwnDoctorProfile = z
  .object({ ...DoctorProfile.shape, clinicVerificationCode: z.string(), active: z.boolean() })
  .meta({ id: "OwnDoctor", examples: [{ ...EXAMPLE_PROFILE, clinicVerificationCode: EXAMPLES.verificationCode, active: true }] })
export type OwnDoctorProfile = z.infer<typeof OwnDoctorProfile>
