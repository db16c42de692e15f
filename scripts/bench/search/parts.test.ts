import { expect, test } from "bun:test"
import { describeParts, measureParts, type Part, slowestPiece } from "./parts.ts"

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
  const rounds = await measureParts(parts, 30)
  expect(rounds.map((of) => of.length)).toEqual([7, 7])
  expect([plain, waited]).toEqual([8 * 8 * 30, 8 * 8 * 30])
})

test("turns go on through a list where the one before ended, and its items come equally often", async () => {
  const counts = [0, 0, 0]
  const done = new Set<number>()
  const work = (nth: number) => {
    done.add(nth)
    counts[nth % 3] = (counts[nth % 3] as number) + 1
  }
  await measureParts([{ what: "a", work }], 2 * 3)
  expect(counts).toEqual([8 * 8 * 2, 8 * 8 * 2, 8 * 8 * 2])
  expect(done.size).toBe(8 * 2 * 3)
})

test("the slowest of a part's pieces is found, whether it is done at once or waited for", async () => {
  const tried = new Set<number>()
  let sum = 0
  const work = (nth: number) => {
    tried.add(nth)
    for (let i = 0; i < (nth === 6 ? 20_000 : 100); i++) sum += Math.sqrt(i)
  }
  const plain = await slowestPiece(work, 9)
  expect(plain.nth).toBe(6)
  const waited = await slowestPiece(async (nth) => {
    await Promise.resolve()
    work(nth)
  }, 9)
  expect(waited.nth).toBe(6)
  expect(plain.meanUs).toBeGreaterThan(plain.us / 9)
  expect(plain.meanUs).toBeLessThan(plain.us)
  expect(sum).toBeGreaterThan(0)
  expect(tried.size).toBe(9)
})

test("parts are compared with the first, round by round", () => {
  const parts = ["a", "b"].map((what): Part => ({ what, work: () => {} }))
  const text = describeParts("here", parts, [
    [2, 4, 4],
    [4, 4, 6],
  ])
  expect(text.split("\n").at(-1)).toBe("| b | 4.00 (4.00–6.00) | 1.50 (1.00–2.00) |")
})
