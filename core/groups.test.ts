import { expect, test } from "bun:test"
import { type GroupLimits, Groups, type Waiting } from "./groups.ts"

const LIMITS: GroupLimits = { groupsMax: 2, sizeMax: 3, waitingMax: 10, tooMany: "Too many." }
/** Longer than a group is taken to be about to be done. */
const LATE_MS = 30

/** Groups that are committed when the test says so. */
function held() {
  const committing: { asked: number[]; commit: () => void }[] = []
  const commit = (group: Waiting<number, number>[]) =>
    new Promise<void>((resolve) => {
      committing.push({
        asked: group.map((w) => w.asked),
        commit: () => {
          for (const { asked, resolve: tell } of group) tell(asked * 10)
          resolve()
        },
      })
    })
  const groups = new Groups<number, number>(LIMITS, commit)
  return { groups, committing, asked: () => committing.map((c) => c.asked) }
}

test("a lone one waits for nobody, and each is told its own outcome", async () => {
  const { groups, committing, asked } = held()
  const outcome = groups.add(1)
  expect(asked()).toEqual([[1]])
  committing[0]?.commit()
  expect(await outcome).toBe(10)
})

test("what comes while a group is about to be done makes one group after it", async () => {
  const { groups, committing, asked } = held()
  const outcomes = [1, 2, 3].map((n) => groups.add(n))
  expect(asked()).toEqual([[1]])
  committing[0]?.commit()
  await outcomes[0]
  await Bun.sleep(0)
  expect(asked()).toEqual([[1], [2, 3]])
  committing[1]?.commit()
  expect(await Promise.all(outcomes)).toEqual([10, 20, 30])
})

test("a full group does not wait, and no more than the limit are on their way", () => {
  const { groups, asked } = held()
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) groups.add(n)
  expect(asked()).toEqual([[1], [2, 3, 4]])
})

test("a group that is held up holds up nobody else for long", async () => {
  const { groups, asked } = held()
  groups.add(1)
  groups.add(2)
  await Bun.sleep(LATE_MS)
  expect(asked()).toEqual([[1], [2]])
})

test("who comes when as many wait as may is refused", () => {
  const { groups } = held()
  for (let n = 0; n < LIMITS.sizeMax + 1 + LIMITS.waitingMax; n++) groups.add(n)
  expect(() => groups.add(99)).toThrow("Too many.")
})
