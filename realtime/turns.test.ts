import { expect, test } from "bun:test"
import { Turns } from "./turns.ts"

test("never more than the limit work at once, first come first served, and a failure gives its turn back", async () => {
  const turns = new Turns(3)
  const order: number[] = []
  let working = 0
  let most = 0
  const work = async (i: number) => {
    order.push(i)
    most = Math.max(most, ++working)
    await Bun.sleep(i % 3)
    working--
    if (i % 4 === 0) throw new Error("failed")
    return i
  }
  const results = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => turns.take(() => work(i))))
  expect(most).toBe(3)
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  expect(results.filter((r) => r.status === "rejected").length).toBe(10)
})
