import { expect, test } from "bun:test"
import { describeParts, measureParts, type Part } from "./parts.ts"

test("every part does all its pieces in every round, and one that waits is waited for", async () => {
  let [plain, waited, open] = [0, 0, 0]
  const parts: Part[] = [
    { what: "a", work: () => plain++ },
    {
      what: "b",
      work: async () => {
        expect(open++).toBe(0)
        await Promise.resolve()
        open--
        waited++
      },
    },
  ]
  const rounds = await measureParts(parts)
  expect(rounds.map((of) => of.length)).toEqual([7, 7])
  expect([plain, waited]).toEqual([8 * 8 * 252, 8 * 8 * 252])
})

test("parts are compared with the first, round by round", () => {
  const parts = ["a", "b"].map((what): Part => ({ what, work: () => {} }))
  const text = describeParts("here", parts, [
    [2, 4, 4],
    [4, 4, 6],
  ])
  expect(text.split("\n").at(-1)).toBe("| b | 4.00 (4.00–6.00) | 1.50 (1.00–2.00) |")
})
