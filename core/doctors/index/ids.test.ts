import { expect, test } from "bun:test"
import fc from "fast-check"
import { Ids } from "./ids.ts"

test("ids are found as in a map, whatever was added and deleted, however alike they are", () => {
  const id = fc.oneof(
    fc.uuid(),
    fc.integer({ min: 0, max: 3_000 }).map((n) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(id, fc.boolean()), { maxLength: 12_000, size: "max" }), (changes) => {
      const held: string[] = []
      const ids = new Ids((slot, at) => (held[slot] as string).charCodeAt(at), 0)
      const model = new Map<string, number>()
      for (const [text, stays] of changes) {
        if (!model.has(text)) {
          held.push(text)
          ids.add(held.length - 1)
          model.set(text, held.length - 1)
        } else if (!stays) {
          ids.delete(text)
          model.delete(text)
        }
      }
      for (const text of held) expect(ids.find(text)).toBe(model.get(text) ?? -1)
      expect(ids.find("not an id")).toBe(-1)
    }),
    { numRuns: 10 },
  )
})
