import { z } from "zod"
import { EXAMPLES } from "../examples.ts"
import { idText, instantText, latitude, longitude, TEXT_MAX, text } from "../fields.ts"
import { listingOf, pageFields, requireShallow } from "../pages.ts"
import { containsPattern, fold } from "../text.ts"

/** A position is given, cleared or left alone as a whole. */
function position(p: { latitude?: number | null; longitude?: number | null }, ctx: z.RefinementCtx) {
  const kind = (v: number | null | undefined) => (v === undefined ? "absent" : v === null ? "null" : "given")
  if (kind(p.latitude) === kind(p.longitude)) return
  const [lacking, given] =
    typeof p.longitude === "number" || p.latitude === undefined ? ["latitude", "longitude"] : ["longitude", "latitude"]
  ctx.addIssue({ code: "custom", path: [lacking as string], message: `is required with ${given}` })
}

const fields = {
  name: text,
  phone: text.nullish(),
  city: text.nullish(),
  latitude: latitude.nullish(),
  longitude: longitude.nullish(),
}

/** The front desk knows a name and perhaps a number; the rest is for a patient to say. */
function walkInFields(p: { walkIn?: boolean; city?: unknown; latitude?: unknown; longitude?: unknown }, ctx: z.RefinementCtx) {
  if (!p.walkIn) return
  for (const field of ["city", "latitude", "longitude"] as const)
    if (p[field] !== undefined) ctx.addIssue({ code: "custom", path: [field], message: "is not given for a walk-in" })
}

/** The caller's own profile; or, made by the front desk, a patient who has no account. */
export const CreatePatient = z
  .strictObject({
    ...fields,
    walkIn: z
      .boolean()
      .optional()
      .meta({ description: "Made by the front desk, for a patient without an account; with `name` and `phone` alone." }),
  })
  .superRefine(position)
  .superRefine(walkInFields)
  .meta({
    id: "CreatePatient",
    description: "`latitude` and `longitude` come together or not at all.",
    examples: [{ name: "Pat Jones", phone: "+1 212 555 0142", city: "New York", latitude: 40.7128, longitude: -74.006 }],
  })
export type CreatePatient = z.infer<typeof CreatePatient>

/** Any of the fields; null clears one that may be absent. */
export const ChangePatient = z
  .strictObject({ ...fields, name: text.optional() })
  .superRefine(position)
  .meta({ id: "ChangePatient", description: "Null clears a field that may be absent.", examples: [{ city: "Boston", phone: null }] })
export type ChangePatient = z.infer<typeof ChangePatient>

const searched = z
  .string()
  .refine((s) => [...s].length <= TEXT_MAX, `must have at most ${TEXT_MAX} characters`)
  .refine((s) => s.isWellFormed() && !s.includes("\0"), "must not contain NUL or a lone surrogate")

/** By a part of the name, in any case, with or without accents; by digits of the number that stand together; or by both. */
export const FindPatients = z
  .object({
    name: searched
      .transform((s) => fold(s.trim()))
      .refine((s) => s.length > 0, "must have a letter")
      .transform(containsPattern)
      .optional()
      .meta({ description: "A part of the name, in any case, with or without accents.", example: "jones" }),
    phone: searched
      .transform((s) => s.replace(/[^0-9]/g, ""))
      .refine((s) => s.length > 0, "must have a digit")
      .transform(containsPattern)
      .optional()
      .meta({ description: "Digits of the number that stand together. This, `name` or both are required.", example: "5550142" }),
    ...pageFields,
  })
  .superRefine(requireShallow)
  .superRefine((q, ctx) => {
    if (q.name === undefined && q.phone === undefined) ctx.addIssue({ code: "custom", path: ["name"], message: "or phone is required" })
  })
export type FindPatients = z.infer<typeof FindPatients>

/** The patient's own view, and that of the front desk. */
export const PatientProfile = z
  .object({
    id: idText,
    name: z.string(),
    phone: z.string().nullable(),
    city: z.string().nullable(),
    latitude: z.number().nullable(),
    longitude: z.number().nullable(),
    createdAt: instantText,
    updatedAt: instantText,
  })
  .meta({
    id: "Patient",
    examples: [
      {
        id: EXAMPLES.patientId,
        name: "Pat Jones",
        phone: "+1 212 555 0142",
        city: "New York",
        latitude: 40.7128,
        longitude: -74.006,
        createdAt: EXAMPLES.madeAt,
        updatedAt: EXAMPLES.madeAt,
      },
    ],
  })
export type PatientProfile = z.infer<typeof PatientProfile>

export const PatientPage = listingOf("PatientPage", PatientProfile)
