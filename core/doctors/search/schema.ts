import { z } from "zod"
import { EXAMPLES } from "../../examples.ts"
import { idText, snapDegrees, TEXT_MAX } from "../../fields.ts"
import { LIMIT_DEFAULT, LIMIT_MAX, listingOf, OFFSET_MAX } from "../../pages.ts"

export const RADIUS_MAX_KM = 500
const RADIUS_DEFAULT_KM = 10

/** Plain decimals, with an exponent if need be: not the other spellings that `Number` takes for numbers. */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

const decimal = z
  .string()
  .max(TEXT_MAX)
  .refine((text) => DECIMAL.test(text) && Number.isFinite(Number(text)), { error: "must be a decimal number", abort: true })
  .transform(Number)

/** No text of so many characters is longer: each is one or two units of UTF-16. What is longer need not be counted. */
const UNITS_MAX = 2 * TEXT_MAX

/** A parameter's text; its characters are counted as in bodies, by code point. */
const text = z
  .string()
  .refine((s) => s.length <= UNITS_MAX && [...s].length <= TEXT_MAX, `must have at most ${TEXT_MAX} characters`)
  .refine((s) => s.isWellFormed() && !s.includes("\0"), "must not contain NUL or a lone surrogate")
  .meta({ maxLength: TEXT_MAX })

const wholeFrom = (min: number, max: number) =>
  decimal
    .refine(
      (n) => Number.isSafeInteger(n) && n >= min && n <= max,
      `must be a whole number from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ""}`,
    )
    .meta({ type: "integer", minimum: min, maximum: max })
const between = (min: number, max: number) =>
  decimal.refine((n) => n >= min && n <= max, `must be from ${min} to ${max}`).meta({ type: "number", minimum: min, maximum: max })
const fee = decimal.refine((n) => n >= 0, "must not be negative").meta({ type: "number", minimum: 0 })

/** A doctor of the API description's examples, without distance. */
export const EXAMPLE_DOCTOR = {
  id: EXAMPLES.doctorId,
  name: "Dr. Ada Osei",
  specialization: "Cardiology",
  consultationFee: 150,
  currency: "USD",
  clinicId: EXAMPLES.clinicId,
  clinicName: "Harbour Clinic",
  clinicAddress: "1 Water Street",
  city: "New York",
  clinicLatitude: 40.7033,
  clinicLongitude: -74.0105,
  services: ["ECG"],
}

/** The query string of a search, values as they arrive: texts. Parameters it does not name are ignored. */
export const SearchQuery = z
  .object({
    latitude: between(-90, 90)
      .overwrite(snapDegrees)
      .optional()
      .meta({ description: "With `longitude`: the place to search around.", example: 40.7128 }),
    longitude: between(-180, 180).overwrite(snapDegrees).optional().meta({ description: "With `latitude`.", example: -74.006 }),
    radius: decimal
      .refine((n) => n > 0 && n <= RADIUS_MAX_KM, `must be more than 0 and at most ${RADIUS_MAX_KM}`)
      .default(RADIUS_DEFAULT_KM)
      .meta({
        type: "number",
        exclusiveMinimum: 0,
        maximum: RADIUS_MAX_KM,
        description: "Kilometres, as the crow flies; counts with a position only.",
        example: 5,
      }),
    specialization: text.optional().meta({ description: "The whole of it, in any case.", example: "cardiology" }),
    name: text.optional().meta({ description: "A part of the doctor's name, in any case, with or without accents.", example: "osei" }),
    clinicName: text
      .optional()
      .meta({ description: "A part of the clinic's name, in any case, with or without accents.", example: "harbour" }),
    minFee: fee.optional().meta({ description: "In the doctor's own currency.", example: 50 }),
    maxFee: fee.optional().meta({ description: "In the doctor's own currency; not less than `minFee`.", example: 200 }),
    city: text.optional().meta({ description: "The whole of it, in any case.", example: "new york" }),
    page: wholeFrom(1, Number.MAX_SAFE_INTEGER)
      .default(1)
      .meta({ description: `Counts from 1; (page − 1) × limit must be less than ${OFFSET_MAX.toLocaleString("en")}.`, example: 1 }),
    limit: wholeFrom(1, LIMIT_MAX).default(LIMIT_DEFAULT).meta({ description: "How many a page has.", example: LIMIT_DEFAULT }),
  })
  .superRefine((q, ctx) => {
    const complain = (path: string, message: string) => ctx.addIssue({ code: "custom", path: [path], message })
    if (q.latitude === undefined && q.longitude !== undefined) complain("latitude", "is required with longitude")
    if (q.longitude === undefined && q.latitude !== undefined) complain("longitude", "is required with latitude")
    if (q.minFee !== undefined && q.maxFee !== undefined && q.minFee > q.maxFee) complain("minFee", "must not be more than maxFee")
    if ((q.page - 1) * q.limit >= OFFSET_MAX) complain("page", `(page − 1) × limit must be less than ${OFFSET_MAX.toLocaleString("en")}`)
  })
export type SearchQuery = z.infer<typeof SearchQuery>

/** A doctor as searches list them. */
export const DoctorListing = z
  .object({
    id: idText,
    name: z.string(),
    specialization: z.string(),
    consultationFee: z.number().min(0),
    currency: z.string(),
    clinicId: idText,
    clinicName: z.string(),
    clinicAddress: z.string(),
    city: z.string(),
    clinicLatitude: z.number(),
    clinicLongitude: z.number(),
    services: z.array(z.string()),
    distanceKm: z.number().min(0).nullable().meta({ description: "Rounded to metres; null without a position." }),
  })
  .meta({ id: "DoctorListing", examples: [{ ...EXAMPLE_DOCTOR, distanceKm: 1.412 }] })
export type DoctorListing = z.infer<typeof DoctorListing>

export const SearchAnswer = listingOf("DoctorPage", DoctorListing)
export type SearchAnswer = z.infer<typeof SearchAnswer>
