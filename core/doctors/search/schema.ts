import { z } from "zod"
import { snapDegrees, TEXT_MAX } from "../../fields.ts"

const RADIUS_MAX_KM = 500
const RADIUS_DEFAULT_KM = 10
const LIMIT_MAX = 100
const LIMIT_DEFAULT = 20
/** The last row a page may begin with: a listing is for people, and every skipped row costs. */
const OFFSET_MAX = 10_000

/** Plain decimals, with an exponent if need be: not the other spellings that `Number` takes for numbers. */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

const decimal = z
  .string()
  .max(TEXT_MAX)
  .refine((text) => DECIMAL.test(text) && Number.isFinite(Number(text)), { error: "must be a decimal number", abort: true })
  .transform(Number)

/** A parameter's text; its characters are counted as in bodies, by code point. */
const text = z
  .string()
  .refine((s) => [...s].length <= TEXT_MAX, `must have at most ${TEXT_MAX} characters`)
  .refine((s) => s.isWellFormed() && !s.includes("\0"), "must not contain NUL or a lone surrogate")
  .meta({ maxLength: TEXT_MAX })

const wholeFrom = (min: number, max: number) =>
  decimal.refine(
    (n) => Number.isSafeInteger(n) && n >= min && n <= max,
    `must be a whole number from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ""}`,
  )
const between = (min: number, max: number) => decimal.refine((n) => n >= min && n <= max, `must be from ${min} to ${max}`)
const fee = decimal.refine((n) => n >= 0, "must not be negative")

/** The query string of a search, values as they arrive: texts. Parameters it does not name are ignored. */
export const SearchQuery = z
  .object({
    latitude: between(-90, 90).overwrite(snapDegrees).optional().meta({ description: "With longitude: the place to search around." }),
    longitude: between(-180, 180).overwrite(snapDegrees).optional(),
    radius: decimal
      .refine((n) => n > 0 && n <= RADIUS_MAX_KM, `must be more than 0 and at most ${RADIUS_MAX_KM}`)
      .default(RADIUS_DEFAULT_KM)
      .meta({ description: "Kilometres; counts with a position only." }),
    specialization: text.optional().meta({ description: "The whole of it, in any case." }),
    name: text.optional().meta({ description: "A part of the doctor's name, in any case, with or without accents." }),
    clinicName: text.optional().meta({ description: "A part of the clinic's name, in any case, with or without accents." }),
    minFee: fee.optional(),
    maxFee: fee.optional(),
    city: text.optional().meta({ description: "The whole of it, in any case." }),
    page: wholeFrom(1, Number.MAX_SAFE_INTEGER).default(1),
    limit: wholeFrom(1, LIMIT_MAX).default(LIMIT_DEFAULT),
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
export type DoctorListing = {
  id: string
  name: string
  specialization: string
  consultationFee: number
  currency: string
  clinicId: string
  clinicName: string
  clinicAddress: string
  city: string
  clinicLatitude: number
  clinicLongitude: number
  services: string[]
  /** Rounded to metres; null without a position. */
  distanceKm: number | null
}

export type SearchAnswer = { data: DoctorListing[]; page: number; limit: number; total: number; totalIsExact: boolean }
