/** Lists by page: their query and their answer. */
import { z } from "zod"
import {
  type CursorOf,
  makeCursor,
  NO_CURSOR,
  type NumberedCursorOf,
  numberedCursor,
  numberedCursorPattern,
  numberInCursor,
} from "./cursor.ts"
import { EXAMPLES } from "./examples.ts"

export const LIMIT_MAX = 100
export const LIMIT_DEFAULT = 20
/** The last row a page may begin with: a listing is for people, and every skipped row costs. */
export const OFFSET_MAX = 10_000
/** Totals are exact up to here, and counting stops one further. */
export const TOTAL_MAX = 1_000

/** Cursors are what we made: an instant or a name, and an id. */
const CURSOR_MAX_CHARS = 200

/** Enough digits for any number that is allowed, and few enough that it is read exactly. */
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .meta({ type: "integer", minimum: min, maximum: max })

/** What every query of such a list has. */
export const pageFields = {
  page: whole(1, Number.MAX_SAFE_INTEGER).default(1).meta({ description: "Counts from 1.", example: 1 }),
  limit: whole(1, LIMIT_MAX).default(LIMIT_DEFAULT).meta({ description: "How many a page has.", example: LIMIT_DEFAULT }),
}

/** What the query of a list by cursor has. */
export const cursorFields = (list: CursorOf) => ({
  cursor: z
    .string()
    .max(CURSOR_MAX_CHARS)
    .optional()
    .meta({
      description: "The `nextCursor` of the page before.",
      example: makeCursor(list, EXAMPLES.start, EXAMPLES.appointmentId),
    }),
  limit: pageFields.limit,
})

/** The same where a page ends at a number that only grows, so that what arrives meanwhile moves nothing. */
export const numberedCursorFields = (list: NumberedCursorOf) => ({
  cursor: z
    .string()
    .regex(numberedCursorPattern(list), NO_CURSOR)
    .transform(numberInCursor)
    .optional()
    .meta({ description: "The `nextCursor` of the page before.", example: numberedCursor(list, 1041) }),
  limit: pageFields.limit,
})

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

/** The schema of a {@link Listing}, under a name of its own; its example is a page of the item's. */
export function listingOf<Item extends z.ZodType>(id: string, item: Item) {
  const data = examplesOf(item)
  return z
    .object({
      data: z.array(item),
      page: z.int().min(1),
      limit: z.int().min(1).max(LIMIT_MAX),
      total: z
        .int()
        .min(0)
        .max(TOTAL_MAX)
        .meta({ description: `Exact up to ${TOTAL_MAX.toLocaleString("en")}.` }),
      totalIsExact: z.boolean().meta({ description: "False when there are more than `total`." }),
    })
    .meta({ id, examples: [{ data, page: 1, limit: LIMIT_DEFAULT, total: data.length, totalIsExact: true }] })
}

/** A page of a list by cursor, with whatever else its answer has. */
export function cursorPageOf<Item extends z.ZodType, More extends z.ZodRawShape>(id: string, item: Item, more: More = {} as More) {
  const others = Object.entries(more).map(([name, schema]) => [name, examplesOf(schema as z.ZodType)[0]])
  return z
    .object({
      data: z.array(item),
      nextCursor: z.string().nullable().meta({ description: "Of the next page; null on the last." }),
      ...more,
    })
    .meta({ id, examples: [{ data: examplesOf(item), nextCursor: null, ...Object.fromEntries(others) }] })
}

const examplesOf = (schema: z.ZodType): unknown[] => (schema.meta()?.examples as unknown[] | undefined) ?? []
/** `hits` is counted to one beyond {@link TOTAL_MAX}. */
export function listing<T>(data: T[], hits: number, { page, limit }: Page): Listing<T> {
  return { data, page, limit, total: Math.min(hits, TOTAL_MAX), totalIsExact: hits <= TOTAL_MAX }
}
