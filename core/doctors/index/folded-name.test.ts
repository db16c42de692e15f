import { expect, test } from "bun:test"
import fc from "fast-check"
import { fold } from "../../text.ts"
import { FoldedName } from "./folded-name.ts"

test("a name's fold is that of its text, whatever letters, marks and escapes it has", () => {
  const code = (min: number, max: number) => fc.integer({ min, max }).map((n) => String.fromCharCode(n))
  const latin = fc.oneof(code(32, 126), code(0xc0, 0x24f), code(0x1e00, 0x1eff))
  const hostile = fc.string({ unit: "binary", minLength: 1, maxLength: 3 }).filter((s) => s.isWellFormed())
  const marked = fc.tuple(latin, code(0x300, 0x36f)).map((parts) => parts.join(""))
  const name = fc.oneof(
    { weight: 3, arbitrary: fc.array(latin, { maxLength: 40 }) },
    {
      weight: 1,
      arbitrary: fc.array(fc.oneof(latin, marked, hostile, fc.constantFrom("ß", "İ", "ı", "ς", "Σ", "ŉ", "ǆ", "ﬁ")), { maxLength: 40 }),
    },
  )
  const folded = new FoldedName()
  fc.assert(
    fc.property(name, (parts) => {
      const text = parts.join("")
      const json = Buffer.from(JSON.stringify(text))
      folded.read(json, 1, json.length - 1)
      const expected = fold(text)
      expect(folded.bytes.toString("utf8", 0, folded.length)).toBe(expected)
      expect(folded.text ?? expected).toBe(expected)
    }),
    { numRuns: 20_000 },
  )
})
