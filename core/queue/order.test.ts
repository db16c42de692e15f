import { expect, test } from "bun:test"
import fc from "fast-check"
import { Refusal } from "../errors.ts"
import { type Ordered, reordered } from "./order.ts"

const list = (...priorities: number[]): Ordered[] =>
  priorities.map((priority, n) => ({ appointmentId: String.fromCharCode(97 + n), priority, place: 10 * (n + 1) }))
const byRules = (a: Ordered, b: Ordered) => b.priority - a.priority || a.place - b.place
const named = (entries: readonly Ordered[]) => entries.map((e) => `${e.appointmentId}${e.priority}`).join(" ")

function after(before: Ordered[], id: string, change: { priority?: number; position?: number }): Ordered[] {
  const entry = before.find((e) => e.appointmentId === id) as Ordered
  const changed = new Map(reordered(before, entry, change).map((e) => [e.appointmentId, e]))
  return before.map((e) => changed.get(e.appointmentId) ?? e).sort(byRules)
}

test("a priority moves before all of a lower one, and among its own to where the arrival puts it", () => {
  expect(named(after(list(0, 0, 0), "c", { priority: 5 }))).toBe("c5 a0 b0")
  expect(named(after(list(5, 5, 0), "a", { priority: 0 }))).toBe("b5 a0 c0")
})

test("a position moves within a priority without changing any", () => {
  expect(named(after(list(0, 0, 0, 0), "d", { position: 2 }))).toBe("a0 d0 b0 c0")
  expect(named(after(list(0, 0, 0, 0), "a", { position: 4 }))).toBe("b0 c0 d0 a0")
  expect(named(after(list(0, 0, 0), "b", { position: 2 }))).toBe("a0 b0 c0")
})

test("a position among others of another priority takes the nearest priority that stands there", () => {
  expect(named(after(list(7, 3, 0, 0), "d", { position: 1 }))).toBe("d7 a7 b3 c0")
  expect(named(after(list(7, 3, 0, 0), "d", { position: 2 }))).toBe("a7 d3 b3 c0")
  expect(named(after(list(7, 3, 0, 0), "a", { position: 4 }))).toBe("b3 c0 d0 a0")
})

test("both together must agree", () => {
  expect(named(after(list(0, 0, 0), "c", { priority: 9, position: 1 }))).toBe("c9 a0 b0")
  for (const change of [
    { priority: 9, position: 2 },
    { priority: 0, position: 5 },
  ])
    expect(() => after(list(0, 0, 0), "c", change)).toThrow(Refusal)
  expect(() => after(list(5, 0), "b", { priority: 0, position: 1 })).toThrow(Refusal)
})

test("whatever is moved: it stands where it was put, the others keep their order, priorities never rise down the list, places stay the same set", () => {
  const lists = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(lists, fc.nat(), fc.nat(), (priorities, which, where) => {
      const before = list(...priorities.sort((a, b) => b - a))
      const id = (before[which % before.length] as Ordered).appointmentId
      const position = 1 + (where % before.length)
      const now = after(before, id, { position })
      expect(now.findIndex((e) => e.appointmentId === id)).toBe(position - 1)
      const others = (entries: Ordered[]) => entries.filter((e) => e.appointmentId !== id).map((e) => `${e.appointmentId}${e.priority}`)
      expect(others(now)).toEqual(others(before))
      expect(now.map((e) => e.place).sort((a, b) => a - b)).toEqual(before.map((e) => e.place))
    }),
  )
})
