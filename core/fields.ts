/** The kinds of fields that bodies are made of, as zod schemas: one definition each for validation, types and the API description. */
import { z } from "zod"
import { containsCardNumber } from "./card-in-text.ts"
import { isTimeZone } from "./time.ts"

export const TEXT_MAX = 200
export const LONG_TEXT_MAX = 2_000
/** Fees and amounts. */
export const MONEY_MAX = 1_000_000

/** Characters as people count them in limits: code points, as JSON Schema's maxLength does. */
function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function characters(max: number) {
  return z
    .string()
    .refine((s) => s.length <= max || codePoints(s) <= max, `must have at most ${max} characters`)
    .refine((s) => s.isWellFormed() && !s.includes("\0"), "must not contain NUL or a lone surrogate")
    .refine((s) => !containsCardNumber(s), "must not contain a card number")
    .meta({ maxLength: max })
}

/** One line of text that says something. Blanks around it are dropped. */
export const text = characters(TEXT_MAX)
  .transform((s) => s.trim())
  .refine((s) => s.length > 0, "must not be blank")
/** Prose; may be empty. */
export const longText = characters(LONG_TEXT_MAX)

/** In lower case, as Postgres writes it: what is compared as text is compared rightly. */
export const uuid = z.uuid().toLowerCase()
/** A tenth of a millimetre. Postgres refuses to square what is so near zero that the result underflows. */
const DEGREES_MIN = 1e-9
/** Degrees as they are kept and searched by: what is smaller than any place is zero. */
export const snapDegrees = (degrees: number) => (Math.abs(degrees) < DEGREES_MIN ? 0 : degrees)
export const latitude = z.number().min(-90).max(90).overwrite(snapDegrees)
export const longitude = z.number().min(-180).max(180).overwrite(snapDegrees)

const INSTANT_MESSAGE = "must be an RFC 3339 instant such as 2026-12-20T10:00:00Z, to the millisecond"
/** The years that RFC 3339 can write; an offset may lead out of them. */
const FIRST_INSTANT_MS = Date.parse("0001-01-01T00:00:00Z")
const LAST_INSTANT_MS = Date.parse("9999-12-31T23:59:59.999Z")

/** An RFC 3339 instant, with `Z` or an offset; days that do not exist, and fractions that would be lost, are refused. */
export const instantField = z.iso
  .datetime({ offset: true, error: INSTANT_MESSAGE })
  .refine((s) => !/\.\d{3}\d*[1-9]/.test(s), INSTANT_MESSAGE)
  .transform((s) => new Date(s))
  .refine((d) => d.getTime() >= FIRST_INSTANT_MS && d.getTime() <= LAST_INSTANT_MS, INSTANT_MESSAGE)

/** As answers write ids, instants and days. */
export const idText = z.uuid()
export const instantText = z.iso.datetime()
export const dayText = z.iso.date()

export const timeZone = z.string().max(TEXT_MAX).refine(isTimeZone, "must be an IANA time zone such as Europe/Berlin")

const currencies = new Set(Intl.supportedValuesOf("currency"))
export const DEFAULT_CURRENCY = "USD"
export const currency = z.string().refine((c) => currencies.has(c), "must be an ISO 4217 currency code such as USD")

/** Decimals of a currency: the minor unit of ISO 4217, as ECMA-402 defines for `Intl.NumberFormat`. */
export function currencyDecimals(code: string): number {
  return new Intl.NumberFormat("en", { style: "currency", currency: code }).resolvedOptions().maximumFractionDigits ?? 2
}

/** Whether the amount has no more decimals than its currency. What is no currency is refused as such, not for its decimals. */
export function fitsCurrency(amount: number, code: string): boolean {
  return !currencies.has(code) || Number(amount.toFixed(currencyDecimals(code))) === amount
}
