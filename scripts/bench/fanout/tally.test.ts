import { expect, test } from "bun:test"
import { Tally } from "./tally.ts"

const packet = (offset: number, text = "x") =>
  Buffer.from(`42/notifications,["doctor:new",{"city":"${text}"},{"id":"i","offset":${offset}}]`)

async function judged(deliveries: [client: number, packet: Buffer][], events = 2) {
  const tally = new Tally(2)
  tally.expect(events)
  for (const [client, bytes] of deliveries) tally.hear(client, bytes, performance.now())
  return await tally.outcome(10)
}

const whole: [number, Buffer][] = [
  [0, packet(7)],
  [1, packet(7)],
  [0, packet(8)],
  [1, packet(8)],
]

test("a round in which everybody hears everything in order has no fault", async () => {
  expect(await judged(whole)).toEqual({ heard: 4, faults: 0 })
  expect(await judged([whole[0], whole[2], whole[1], whole[3]] as typeof whole)).toEqual({ heard: 4, faults: 0 })
})

test.each([
  ["lost", whole.slice(0, 3)],
  ["told twice", [...whole, [1, packet(8)]]],
  ["out of order", [whole[0], whole[2], [1, packet(8)], [1, packet(7)]]],
  ["told with other content", [...whole.slice(0, 3), [1, packet(8, "y")]]],
  ["with a hole in the offsets for everybody", [whole[0], whole[1], [0, packet(9)], [1, packet(9)]]],
] as [string, [number, Buffer][]][])("a delivery that is %s is a fault", async (_, deliveries) => {
  expect((await judged(deliveries)).faults).toBeGreaterThan(0)
})

test("latencies count from each event's own start", async () => {
  const tally = new Tally(2)
  tally.expect(2)
  for (const [n, [client, bytes]] of whole.entries()) tally.hear(client, bytes, 100 + n)
  expect([...tally.latencies([99, 100])]).toEqual([1, 2, 2, 3])
  expect(tally.end).toBe(103)
})
