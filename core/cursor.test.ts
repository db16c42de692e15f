import { expect, test } from "bun:test"
import fc from "fast-check"
import { makeCursor, parseCursor } from "./cursor.ts"
import { Refusal } from "./errors.ts"

const ID = "01920000-0000-7000-8000-00000000abcd"
const encoded = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url")

function outcomeOf(cursor: string): unknown {
  try {
    return parseCursor("payments", cursor)
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal)
    return (error as Refusal).issues
  }
}
const REFUSED = [{ path: "cursor", message: "is not a cursor of this list" }]

test("a cursor leads back to the very place it was made of, whatever the instant, from the first year to the last", () => {
  const at = fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
  fc.assert(
    fc.property(at, fc.uuid(), fc.boolean(), (date, id, asText) => {
      expect(parseCursor("payments", makeCursor("payments", asText ? date.toISOString() : date, id))).toEqual({ at: date, id })
    }),
  )
})

test("an instant that Postgres or RFC 3339 cannot write is no cursor", () => {
  const instants = ["0000-01-01T00:00:00Z", "0001-01-01T00:30:00+01:00", "-000001-01-01T00:00:00Z", "+010000-01-01T00:00:00Z"]
  const others = ["9999-12-31T23:30:00-01:00", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01", "infinity", "now", "", 0, null]
  for (const at of [...instants, ...others, "2026-01-01T00:00:00.0001Z"])
    expect([at, outcomeOf(encoded(["payments", at, ID]))]).toEqual([at, REFUSED])
  for (const at of ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
    expect(parseCursor("payments", encoded(["payments", at, ID])).at).toEqual(new Date(at))
})

test("what is another list's, cut, longer, not JSON or not even text is no cursor", () => {
  const at = "2026-01-01T00:00:00Z"
  const of = "payments"
  const near = [[of, at], [of, at, ID, ID], { of, at, id: ID }, [of, at, `${ID}0`], [of, at, "no id"], [of, ID, at], [of, [at], ID]]
  for (const value of [["appointments", at, ID], [at, ID], ...near, 7, "x", "[", null])
    expect([value, outcomeOf(encoded(value))]).toEqual([value, REFUSED])
  for (const cursor of ["", "%", "\0", makeCursor("payments", at, ID).slice(0, -3), "💊"])
    expect([cursor, outcomeOf(cursor)]).toEqual([cursor, REFUSED])
})

test("no string at all does anything but lead to a place or be refused", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json().map(encoded), fc.base64String()), (cursor) => {
      const outcome = outcomeOf(cursor)
      if (!Array.isArray(outcome)) expect(outcome).toEqual({ at: expect.any(Date), id: expect.any(String) })
    }),
  )
})
