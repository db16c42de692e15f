import { z } from "zod"
import { latitude, longitude, text } from "../fields.ts"

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

export const CreatePatient = z.strictObject(fields).superRefine(position)
export type CreatePatient = z.infer<typeof CreatePatient>

/** Any of the fields; null clears one that may be absent. */
export const ChangePatient = z.strictObject({ ...fields, name: text.optional() }).superRefine(position)
export type ChangePatient = z.infer<typeof ChangePatient>

/** The patient's own view. */
export type PatientProfile = {
  id: string
  name: string
  phone: string | null
  city: string | null
  latitude: number | null
  longitude: number | null
  createdAt: string
  updatedAt: string
}
