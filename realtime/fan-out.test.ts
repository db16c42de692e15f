import { expect, test } from "bun:test"
import fc from "fast-check"
import { fanOut, type Told } from "./fan-out.ts"
import { Rooms } from "./rooms.ts"

const ROOMS = ["a", "b", "c", "d"]

/** Members s0, s1, … each in these rooms. */
function roomsWith(memberships: string[][]): Rooms<string> {
  const rooms = new Rooms<string>()
  for (const [n, own] of memberships.entries()) rooms.join(`s${n}`, new Set(own))
  return rooms
}

test("whatever rooms events and sockets are in, each member is told what its rooms hear, once, in order and in one write", () => {
  const some = fc.uniqueArray(fc.constantFrom(...ROOMS))
  fc.assert(
    fc.property(fc.array(some), fc.array(some), (memberships, events) => {
      const batch = events.map((rooms, n): Told => ({ rooms, packet: `event ${n}` }))
      const written: [string, string[]][] = []
      fanOut(roomsWith(memberships), batch, (member, packets) => written.push([member, packets]))
      const expected = memberships
        .map((rooms, n): [string, string[]] => [`s${n}`, batch.filter((t) => t.rooms.some((r) => rooms.includes(r))).map((t) => t.packet)])
        .filter(([, packets]) => packets.length > 0)
      expect(written.toSorted()).toEqual(expected.toSorted())
    }),
    { numRuns: 1_000 },
  )
})

test("a member that leaves while others are written to is passed over, and nobody after it is", () => {
  const rooms = roomsWith([["a"], ["a"], ["a"], ["a", "b"]])
  const told: string[] = []
  fanOut(rooms, [{ rooms: ["a"], packet: "x" }], (member) => {
    told.push(member)
    rooms.leave("s0")
    rooms.leave("s1")
  })
  expect(told).toEqual(["s0", "s2", "s3"])
})

test("who joins anew is in the new rooms alone, and a room that everybody has left is gone", () => {
  const rooms = roomsWith([["a", "b"], ["b"]])
  rooms.join("s0", new Set(["c"]))
  expect([rooms.has("a"), [...rooms.membersOf("b")], [...rooms.membersOf("c")]]).toEqual([false, ["s1"], ["s0"]])
  rooms.leave("s0")
  rooms.leave("s1")
  expect([rooms.has("b"), rooms.has("c"), rooms.roomsOf("s1").size]).toEqual([false, false, 0])
})
