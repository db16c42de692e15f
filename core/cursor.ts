/** The cursor of a list that is ordered by an instant and then by id: opaque to clients, checked when it comes back. */
import { z } from "zod"
import { Refusal } from "./errors.ts"
import { instantField, uuid } from "./fields.ts"

const Cursor = z.tuple([instantField, uuid])

export function makeCursor(at: string | Date, id: string): string {
  return Buffer.from(JSON.stringify([at, id])).toString("base64url")
}

/** Throws a Refusal that names the cursor. */
export function parseCursor(cursor: string): { at: Date; id: string } {
  try {
    const [at, id] = Cursor.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")))
    return { at, id }
  } catch (cause) {
    const issue = { path: "cursor", message: "is not a cursor of this list" }
    throw new Refusal("malformed", `cursor: ${issue.message}`, { issues: [issue], cause })
  }
}
