import { expect, test } from "bun:test"
import type { Refusal } from "../core/errors.ts"
import { Admission } from "./admission.ts"
import { BURST_MS, WAIT_MS, WaitBound } from "./wait-bound.ts"

const [MAX, TURNS] = [20, 3]

/** Calls whose work ends when the test says so; `begun` has those at work and those before, in the order in which they began. */
function desk(waits?: WaitBound) {
  const admission = new Admission(MAX, TURNS, waits)
  const begun: { end: () => void }[] = []
  const call = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const work = async () => {
      begun.push({ end: resolve })
      await promise
      return "done"
    }
    return admission.serve(work).catch((refusal: Refusal) => refusal.code)
  }
  return { admission, begun, call }
}

test("as many are at work as there are turns; others begin in the order in which they came, as turns are passed on", async () => {
  const { admission, begun, call } = desk()
  const answers = Array.from({ length: MAX }, call)
  expect(await call()).toBe("unavailable")
  for (let n = 0; n < MAX; n++) {
    await Bun.sleep(0)
    expect(begun.length).toBe(Math.min(MAX, n + TURNS))
    begun[n]?.end()
  }
  expect(await Promise.all(answers)).toEqual(answers.map(() => "done"))
  expect([admission.serving, admission.hasRoom]).toEqual([0, true])
})

test("work that fails passes its turn on, and is not waited for", async () => {
  const admission = new Admission(MAX, 1)
  const fail = () => admission.serve(() => Promise.reject(new Error("a bug")))
  await expect(Promise.allSettled([fail(), fail(), fail()])).resolves.toMatchObject([
    { status: "rejected" },
    { status: "rejected" },
    { status: "rejected" },
  ])
  expect(await admission.serve(async () => "done")).toBe("done")
  expect(admission.serving).toBe(0)
})

test("in an overload who has waited too long for a turn is refused at once when one is passed on, and who came since has it", async () => {
  const clock = { now: 0 }
  const waits = new WaitBound(1, MAX, () => clock.now)
  const { admission, begun, call } = desk(waits)
  const early = Array.from({ length: MAX - 1 }, call)
  await Bun.sleep(WAIT_MS + 20)
  const late = call()
  while (!waits.isOverload) {
    clock.now += BURST_MS / 4
    expect(waits.hasRoom).toBe(false)
  }
  begun[0]?.end()
  expect(await Promise.all(early.slice(TURNS))).toEqual(early.slice(TURNS).map(() => "unavailable"))
  expect([begun.length, admission.serving]).toEqual([TURNS + 1, TURNS])
  for (const { end } of begun) end()
  expect(await Promise.all([...early.slice(0, TURNS), late])).toEqual(["done", "done", "done", "done"])
})

test("what waits shorter than an overload is served, however long that is", async () => {
  const { begun, call } = desk(new WaitBound(1, MAX, () => 0))
  const answers = Array.from({ length: MAX }, call)
  await Bun.sleep(WAIT_MS + 20)
  for (let n = 0; n < MAX; n++) {
    begun[n]?.end()
    await Bun.sleep(0)
  }
  expect(await Promise.all(answers)).toEqual(answers.map(() => "done"))
})

test("bodies that are being sent are bounded by themselves", async () => {
  const { admission, begun, call } = desk()
  const sent = Promise.withResolvers<void>()
  const sending = Array.from({ length: MAX }, () => admission.receive(() => sent.promise))
  await expect(admission.receive(() => sent.promise)).rejects.toThrow("Too many calls at once")
  const served = call()
  await Bun.sleep(0)
  begun[0]?.end()
  expect(await served).toBe("done")
  sent.resolve()
  await Promise.all(sending)
  expect(admission.receiving).toBe(0)
})
