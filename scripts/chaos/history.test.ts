import { expect, test } from "bun:test"
import { BREACHES, heardBy } from "./breaches.ts"
import { type Broken, check, isStillBroken } from "./check.ts"
import { cluesOf, evidenceOf } from "./clues.ts"
import { historyOf, storyOf } from "./history.ts"
import { smallest } from "./smallest.ts"
import { sound } from "./sound.ts"

for (const [what, { breaks }] of Object.entries(BREACHES))
  test(`the history of ${what} is not empty, and without any one of its lines it shows nothing`, () => {
    const evidence = sound()
    breaks(evidence)
    for (const violation of check(evidence)) {
      const { clues, isSmallest } = storyOf(violation, evidence, cluesOf(evidence))
      const shows = (some: typeof clues) => isStillBroken(violation, evidenceOf(some, evidence.faults))
      expect([clues.length > 0, isSmallest, shows(clues)], violation.what).toEqual([true, true, true])
      for (const one of clues) expect(shows(clues.filter((c) => c !== one)), `${violation.what}, without ${one.line()}`).toBe(false)
      const told = historyOf(violation, evidence)
      for (const { line } of clues) expect(told.some((text) => text.endsWith(line()))).toBe(true)
    }
  })

test("evidence that was taken apart and put together is the same", () => {
  const evidence = sound()
  evidence.dismissed.push("x")
  Object.assign(evidence.work, { due: 1, cursor: 12 })
  Object.assign(evidence.audit, { unsealed: 1, verified: "position 3: altered" })
  evidence.diaries[0]?.connections.push({ at: 5, lastOffset: 4 })
  evidence.diaries[0]?.gaps.push({ at: 5, from: 1, to: 2 })
  expect(evidenceOf(cluesOf(evidence), evidence.faults)).toEqual({ ...evidence, work: { ...evidence.work } })
})

test("a history tells in time what was logged, heard and found, and beside it what was broken and how the client came", () => {
  const evidence = sound()
  heardBy(evidence, 1).shift()
  const [violation] = check(evidence)
  const history = historyOf(violation as Broken, evidence)
  expect(history.map((line) => line.slice(13).replace(/"doctorId".*/, "…"))).toEqual([
    "client patient: connection 0 by websocket, after 0",
    "fault  kill api-0",
    'log    2 appointment:update {"appointmentId":"a","status":"CONFIRMED","scheduledAt":"2030-01-07T10:00:00.000Z"} (e2)',
    'row    appointment {"id":"a",…',
  ])
})

test("of a thousand things the few are found that are needed together, and when time is up what is left so far", () => {
  const items = Array.from({ length: 1_000 }, (_, n) => n)
  const shows = (some: number[]) => [3, 500, 501, 999].every((n) => some.includes(n))
  expect(smallest(items, shows, Date.now() + 60_000)).toEqual({ items: [3, 500, 501, 999], isSmallest: true })
  // One of two is needed: whichever is left is needed then.
  expect(smallest(items, (some) => some.includes(7) || some.includes(8), Date.now() + 60_000).items).toHaveLength(1)
  expect(smallest(items, shows, Date.now() - 1)).toEqual({ items, isSmallest: false })
  expect(smallest([], () => true, Date.now() + 60_000)).toEqual({ items: [], isSmallest: true })
})
