import { expect, test } from "bun:test"
import fc from "fast-check"
import { cellToParent, getResolution, latLngToCell } from "h3-js"
import { anchor, type Place, placeNear } from "../search/test-world.ts"
import { commonDigits, digitAt, lastKey, placeKey } from "./place-key.ts"

const VERTEX_AND_BASE = 2
const PLACE_DIGITS = 17
const RUNS = 5_000

const pairs = fc
  .tuple(anchor, fc.constantFrom(0, 0.001, 0.1, 3, 50, 500, 8_000))
  .chain(([place, km]) => fc.tuple(placeNear(place, km), placeNear(place, km)))
const keyOf = ({ latitude, longitude }: Place) => placeKey(latitude, longitude)

test("two places have as many digits in common as H3 cells, and part in the next", () => {
  fc.assert(
    fc.property(pairs, fc.nat(), fc.nat(), ([a, b], slot, other) => {
      const [one, two] = [keyOf(a), keyOf(b)]
      const common = commonDigits(one.high, one.low, slot, two.high, two.low, slot === other ? other + 1 : other)
      const [cell, cell2] = [latLngToCell(a.latitude, a.longitude, 15), latLngToCell(b.latitude, b.longitude, 15)]
      let shared = 0
      while (shared <= getResolution(cell) && cellToParent(cell, shared) === cellToParent(cell2, shared)) shared++
      if (shared > 0) expect(Math.min(common, PLACE_DIGITS)).toBe(VERTEX_AND_BASE + shared - 1)
      else expect(common).toBeLessThan(VERTEX_AND_BASE)
      for (let depth = 0; depth < common; depth++)
        expect(digitAt(depth, one.high, one.low, slot)).toBe(digitAt(depth, two.high, two.low, slot === other ? other + 1 : other))
      expect(digitAt(common, one.high, one.low, slot)).not.toBe(digitAt(common, two.high, two.low, slot === other ? other + 1 : other))
    }),
    { numRuns: RUNS },
  )
})

test("the last key of a prefix keeps its digits and is followed by none that has them", () => {
  fc.assert(
    fc.property(pairs, fc.nat(), fc.integer({ min: 0, max: 24 }), ([a, b], slot, depth) => {
      const [one, two] = [keyOf(a), keyOf(b)]
      const last = lastKey(depth, one.high, one.low, slot)
      for (let at = 0; at < depth; at++) expect(digitAt(at, last.high, last.low, last.slot)).toBe(digitAt(at, one.high, one.low, slot))
      const shares = commonDigits(one.high, one.low, slot, two.high, two.low, slot + 1) >= depth
      if (!shares || (last.high === two.high && last.low === two.low && last.slot === slot + 1)) return
      const parting = commonDigits(last.high, last.low, last.slot, two.high, two.low, slot + 1)
      expect(digitAt(parting, two.high, two.low, slot + 1)).toBeLessThan(digitAt(parting, last.high, last.low, last.slot))
    }),
    { numRuns: RUNS },
  )
})
