import { expect, test } from "bun:test"
import fc from "fast-check"
import { fanOut, type Told } from "./fan-out.ts"

const ROOMS = ["a", "b", "c", "d"]

/** Sockets by name, each with the rooms it is in, as Socket.IO keeps them. */
function audienceOf(memberships: string[][]) {
  const sids = new Map(memberships.map((rooms, n) => [`s${n}`, new Set([`s${n}`, ...rooms])]))
  const rooms = new Map<string, Set<string>>()
  for (const [id, own] of sids) for (const room of own) rooms.set(room, (rooms.get(room) ?? new Set()).add(id))
  return { adapter: { rooms, sids }, sockets: new Map([...sids.keys()].map((id) => [id, id])) }
}

test("whatever rooms events and sockets are in, each socket is told what its rooms hear, once, in order and in one write", () => {
  const some = fc.uniqueArray(fc.constantFrom(...ROOMS))
  fc.assert(
    fc.property(fc.array(some), fc.array(some), (memberships, events) => {
      const batch = events.map((rooms, n): Told => ({ rooms, packet: `event ${n}` }))
      const written: [string, string[]][] = []
      fanOut(audienceOf(memberships), batch, (socket, packets) => written.push([socket, packets]))
      const expected = memberships
        .map((rooms, n): [string, string[]] => [`s${n}`, batch.filter((t) => t.rooms.some((r) => rooms.includes(r))).map((t) => t.packet)])
        .filter(([, packets]) => packets.length > 0)
      expect(written.toSorted()).toEqual(expected.toSorted())
    }),
    { numRuns: 1_000 },
  )
})

test("a socket that leaves while others are written to is passed over, and nobody after it is", () => {
  const audience = audienceOf([["a"], ["a"], ["a"]])
  const told: string[] = []
  fanOut(audience, [{ rooms: ["a"], packet: "x" }], (socket) => {
    told.push(socket)
    audience.adapter.rooms.get("a")?.delete("s0")
    audience.sockets.delete("s1")
  })
  expect(told).toEqual(["s0", "s2"])
})
