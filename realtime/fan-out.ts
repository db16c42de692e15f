/**
 * Tells a batch of packets to the members of their rooms, each member with one write: writes are what a delivery costs, and Socket.IO's own
 * emit makes one for every packet.
 */
import type { Rooms } from "./rooms.ts"

export type Told = { rooms: readonly string[]; packet: string }

/** Each member is given its packets at once, in the batch's order, and each packet once in however many of its rooms it is. */
export function fanOut<Member>(rooms: Rooms<Member>, batch: readonly Told[], write: (member: Member, packets: string[]) => void): void {
  const heard = placesOfRooms(batch, rooms)
  const packets = (places: number[]) => places.map((place) => (batch[place] as Told).packet)
  if (heard.size === 1) {
    for (const [room, places] of heard) {
      const all = packets(places)
      for (const member of rooms.membersOf(room)) write(member, all)
    }
    return
  }
  const done = new Set<Member>()
  for (const [room, places] of heard) {
    const own = packets(places)
    for (const member of rooms.membersOf(room)) {
      if (done.has(member)) continue
      done.add(member)
      const lists = [...rooms.roomsOf(member)].flatMap((r) => [heard.get(r) ?? []])
      write(member, lists.every((list) => list === places || list.length === 0) ? own : packets(union(lists)))
    }
  }
}

/** Of each room that anybody is in, the places in the batch of what it hears, in order. */
function placesOfRooms(batch: readonly Told[], rooms: { has: (room: string) => boolean }): Map<string, number[]> {
  const heard = new Map<string, number[]>()
  for (const [place, told] of batch.entries())
    for (const room of told.rooms) {
      if (!rooms.has(room)) continue
      const places = heard.get(room)
      if (places) places.push(place)
      else heard.set(room, [place])
    }
  return heard
}

function union(lists: number[][]): number[] {
  return [...new Set(lists.flat())].sort((a, b) => a - b)
}
