/** Lists by page: their query and their answer. */
import { z } from "zod"

const LIMIT_MAX = 100
const LIMIT_DEFAULT = 20
/** The last row a page may begin with: a listing is for people, and every skipped row costs. */
const OFFSET_MAX = 10_000
/** Totals are exact up to here, and counting stops one further. */
export const TOTAL_MAX = 1_000

/** Enough digits for any number that is allowed, and few enough that it is read exactly. */
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min).max(max))

/** What every query of such a list has. */
export const pageFields = { page: whole(1, Number.MAX_SAFE_INTEGER).default(1), limit: whole(1, LIMIT_MAX).default(LIMIT_DEFAULT) }

export type Page = { page: number; limit: number }

export function requireShallow({ page, limit }: Page, ctx: z.RefinementCtx): void {
  if ((page - 1) * limit < OFFSET_MAX) return
  ctx.addIssue({
    code: "custom",
    path: ["page"],
    message: `(page − 1) × limit must be less than ${OFFSET_MAX.toLocaleString("en")}`,
  })
}

export type Listing<T> = { data: T[]; page: number; limit: number; total: number; totalIsExact: boolean }

/** `hits` is counted to one beyond {@link TOTAL_MAX}. */
export function listing<T>(data: T[], hits: number, { page, limit }: Page): Listing<T> {
  return { data, page, limit, total: Math.min(hits, TOTAL_MAX), totalIsExact: hits <= TOTAL_MAX }
}
