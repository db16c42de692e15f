import { expect, test } from "bun:test"
import { BURST_MS, WAIT_MS, WaitBound } from "./wait-bound.ts"

const CONNECTIONS = 20
const MAX = 500
const LEAST = 2 * CONNECTIONS
/** Until it is seen that this is no burst, and what was let in as one is done, which is as much as there may be at all. */
const learnedMs = (perSecond: number) => BURST_MS + (1_000 * MAX) / perSecond
const PATIENCE_MS = 1_000

/** Calls served one by one in the order in which they came, each within `serviceMs` / connections; its clock is the test's. */
class Clinic {
  now = 0
  readonly waits = new WaitBound(CONNECTIONS, MAX, () => this.now)
  readonly #queue: number[] = []
  #doneAt = 0
  served: { at: number; waitedMs: number }[] = []
  refused = 0

  arrive(): void {
    if (!this.waits.hasRoom) {
      this.refused++
      return
    }
    this.waits.begin()
    if (this.#queue.length === 0) this.#doneAt = Math.max(this.#doneAt, this.now)
    this.#queue.push(this.now)
  }

  /** A millisecond in which calls arrive, and those are done whose time has come. */
  pass(arrivals: number, serviceMs: number): void {
    for (let n = 0; n < arrivals; n++) this.arrive()
    this.now++
    while (this.#queue.length > 0 && this.#doneAt + serviceMs / CONNECTIONS <= this.now) {
      this.#doneAt += serviceMs / CONNECTIONS
      this.waits.end()
      this.served.push({ at: this.now, waitedMs: this.now - (this.#queue.shift() as number) })
    }
  }

  /** `perSecond` may be a fraction of one a millisecond. */
  run(ms: number, perSecond: number, serviceMs: number): void {
    for (let n = 0, sent = 0; n < ms; n++) {
      const due = Math.floor(((n + 1) * perSecond) / 1000)
      this.pass(due - sent, serviceMs)
      sent = due
    }
  }

  after(ms: number) {
    return this.served.filter(({ at }) => at > ms)
  }
}

const slowest = (served: { waitedMs: number }[]) => Math.max(...served.map(({ waitedMs }) => waitedMs))

test("at five times what is done, whoever is let in waits little longer than is meant, and no gap is left, whether calls are quick or slow", () => {
  for (const serviceMs of [5, 20, 80, 200, 500]) {
    const clinic = new Clinic()
    const perSecond = (1_000 * CONNECTIONS) / serviceMs
    clinic.run(learnedMs(perSecond) + 5_000, 5 * perSecond, serviceMs)
    const served = clinic.after(learnedMs(perSecond))
    expect(served.length).toBeGreaterThan(0.98 * 5 * perSecond)
    // Where twice the connections take longer than that, they are what is let in.
    expect(slowest(served)).toBeLessThan(Math.max(1.3 * WAIT_MS, 2.1 * serviceMs))
    expect(clinic.refused).toBeGreaterThan(3 * served.length)
  }
})

test("where the processor is what is short, and calls come in once those before are all done, nobody waits too long either", () => {
  const serviceMs = 4
  const learned = learnedMs(1_000 / serviceMs)
  const clinic = { now: 0 }
  const waits = new WaitBound(CONNECTIONS, MAX, () => clinic.now)
  const waited: { at: number; ms: number }[] = []
  for (let seenMs = 0; clinic.now < learned + 10_000; ) {
    // All that came while those before were done, evenly, and who of them found room.
    const [fromMs, cameMs] = [seenMs, clinic.now]
    const came = Math.max(1, Math.floor(((cameMs - fromMs) / serviceMs) * 5))
    seenMs = cameMs
    const inside: number[] = []
    for (let n = 0; n < came && waits.hasRoom; n++) {
      waits.begin()
      inside.push(fromMs + ((cameMs - fromMs) * n) / came)
    }
    for (const at of inside) {
      clinic.now += serviceMs
      waits.end()
      waited.push({ at: clinic.now, ms: clinic.now - at })
    }
  }
  const later = waited.filter(({ at }) => at > learned)
  expect(later.length).toBeGreaterThan(0.95 * (10_000 / serviceMs))
  expect(Math.max(...later.map(({ ms }) => ms))).toBeLessThan(PATIENCE_MS)
})

test("what stands still lets twice the connections wait, and as many as ever once it goes on", () => {
  const clinic = new Clinic()
  clinic.run(1_000, 1_000, 10)
  expect([clinic.refused, clinic.waits.bound]).toEqual([0, MAX])
  clinic.run(5_000, 1_000, Number.POSITIVE_INFINITY)
  expect(clinic.waits.bound).toBe(LEAST)
  const refused = clinic.refused
  clinic.run(5_000, 1_000, 10)
  expect(clinic.waits.bound).toBe(MAX)
  clinic.run(1_000, 1_000, 10)
  expect(clinic.refused - refused).toBeLessThan(1_000)
})

test("once a slow time is over, the bound is what the new pace allows within seconds, though calls never stopped coming", () => {
  const clinic = new Clinic()
  clinic.run(learnedMs(200), 4_000, 100)
  // What is done within WAIT_MS, and a try whether it could be more.
  expect(clinic.waits.bound).toBeLessThanOrEqual(1.25 * 60)
  clinic.run(3_000, 4_000, 10)
  expect(clinic.waits.bound).toBe(MAX)
  const from = clinic.now
  clinic.run(2_000, 4_000, 10)
  expect(clinic.after(from).length).toBeGreaterThan(0.98 * 2 * 2_000)
})

/** As many as there may be at all, in less than two seconds: so many at once, and the others as those before are answered. */
function burst(clinic: Clinic, atOnce: number): void {
  const [before, end] = [clinic.served.length, clinic.now + 2 * BURST_MS]
  for (let call = 0; call < atOnce; call++) clinic.arrive()
  for (let come = atOnce; clinic.now < end; clinic.run(1, 0, 70))
    for (; come < Math.min(MAX, atOnce + clinic.served.length - before); come++) clinic.arrive()
}

test("a burst that is done within two seconds is let in whole, at once or as others are answered, again and again", () => {
  for (const atOnce of [MAX, MAX / 2]) {
    const clinic = new Clinic()
    for (let n = 0; n < 20; n++) burst(clinic, atOnce)
    expect([clinic.refused, clinic.served.length]).toEqual([0, 20 * MAX])
    expect(slowest(clinic.served)).toBeLessThan(BURST_MS)
  }
})

test("a burst is let in whole again some seconds after an overload", () => {
  const clinic = new Clinic()
  clinic.run(learnedMs(285), 5 * 285, 70)
  clinic.run(5_000, 20, 70)
  const refused = clinic.refused
  burst(clinic, MAX / 2)
  expect(clinic.refused).toBe(refused)
})

test("a call that takes long beside others that do not changes nothing", () => {
  const clinic = new Clinic()
  for (let n = 0; n < CONNECTIONS - 1; n++) clinic.waits.begin()
  clinic.run(10_000, 20, 10)
  expect([clinic.refused, clinic.waits.bound]).toEqual([0, MAX])
})
