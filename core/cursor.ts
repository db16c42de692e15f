/** Cursors of lists: opaque to clients, checked when they come back. One of another list is none. */
import { z } from "zod"
import { Refusal } from "./errors.ts"
import { instantField, uuid } from "./fields.ts"

/** Lists that are ordered by an instant and then by id. */
export type CursorOf = "appointments" | "payments"
/** Lists that are ordered by a number, with the letter that their cursors begin with. */
export type NumberedCursorOf = keyof typeof LETTERS

const LETTERS = { notifications: "n", accesses: "a" }
export const NO_CURSOR = "is not a cursor of this list"

const Cursor = z.tuple([z.string(), instantField, uuid])

export function makeCursor(list: CursorOf, at: string | Date, id: string): string {
  return Buffer.from(JSON.stringify([list, at, id])).toString("base64url")
}

/** Throws a Refusal that names the cursor. */
export function parseCursor(list: CursorOf, cursor: string): { at: Date; id: string } {
  try {
    const [of, at, id] = Cursor.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")))
    if (of !== list) throw new Error(`a cursor of ${of}`)
    return { at, id }
  } catch (cause) {
    const issue = { path: "cursor", message: NO_CURSOR }
    throw new Refusal("malformed", `cursor: ${issue.message}`, { issues: [issue], cause })
  }
}

export const numberedCursor = (list: NumberedCursorOf, number: number) => `${LETTERS[list]}${number}`
export const numberedCursorPattern = (list: NumberedCursorOf) => new RegExp(`^${LETTERS[list]}[1-9]\\d{0,14}$`)
/** Of a cursor that has the pattern. */
export const numberInCursor = (cursor: string) => Number(cursor.slice(1))
