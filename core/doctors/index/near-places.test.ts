import { expect, test } from "bun:test"
import fc from "fast-check"
import { SQUARE_TOLERANCE } from "./exact.ts"
import { bitsOf, lowBits, NearPlaces } from "./near-places.ts"

type Place = { square: number; mask: number }

/** Few distances, and some that are too near each other to tell. */
const square = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 3 }))
  .map(([n, m]) => n * 1e-9 + (m * SQUARE_TOLERANCE) / 2)
const place = fc.record({
  square,
  mask: fc.oneof(
    fc.constant(1),
    fc.integer().filter((mask) => mask !== 0),
  ),
})
const leaves = fc.array(fc.array(place, { maxLength: 96 }), { maxLength: 8 })

function takeIn(near: NearPlaces, leaf: readonly Place[]): void {
  near.reserve(leaf.length)
  for (const [i, { square, mask }] of leaf.entries()) {
    near.squares[near.size + i] = square
    near.masks[near.size + i] = mask
  }
  near.takeIn(near.size + leaf.length)
}

/** Those within the bound that are no farther than the place of the last one wanted, or may not be. */
function belonging(places: readonly Place[], wanted: number, bound: number): number[] {
  const within = places.filter((one) => one.square <= bound).sort((a, b) => a.square - b.square)
  let doctors = 0
  const last = within.find(({ mask }) => {
    doctors += bitsOf(mask)
    return doctors >= wanted
  })
  return within.map((one) => one.square).filter((one) => last === undefined || one <= last.square + SQUARE_TOLERANCE)
}

test("of places that come leaf by leaf those are held that have the doctors wanted or are as near as the last of them, and no others", () => {
  fc.assert(
    fc.property(leaves, fc.integer({ min: 1, max: 200 }), fc.integer({ min: 5, max: 50 }), (come, wanted, bound) => {
      const near = new NearPlaces()
      near.start(wanted, bound * 1e-9)
      for (const leaf of come) takeIn(near, leaf)
      expect(Array.from(near.squares.subarray(0, near.size))).toEqual(belonging(come.flat(), wanted, bound * 1e-9))
      expect(near.doctors).toBe(Array.from(near.masks.subarray(0, near.size), bitsOf).reduce((sum, bits) => sum + bits, 0))
    }),
    { numRuns: 2_000 },
  )
})

test("the bits of any word are counted", () => {
  fc.assert(fc.property(fc.integer(), (word) => expect(bitsOf(word)).toBe((word >>> 0).toString(2).replaceAll("0", "").length)))
})

test("a group of any number of doctors, up to as many as a word has bits, is all of its lowest bits", () => {
  for (let count = 1; count <= 32; count++) expect((lowBits(count) >>> 0).toString(2)).toBe("1".repeat(count))
})
