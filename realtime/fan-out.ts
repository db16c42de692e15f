/**
 * Tells a batch of packets to the sockets of their rooms, each socket with one write: writes are what a delivery costs, and Socket.IO's own
 * emit makes one for every packet.
 */
export type Told = { rooms: readonly string[]; packet: string }

/** What a namespace of Socket.IO knows of its sockets: who is in a room, and in which rooms one is. */
export type Audience<S> = {
  adapter: { rooms: ReadonlyMap<string, ReadonlySet<string>>; sids: ReadonlyMap<string, ReadonlySet<string>> }
  sockets: ReadonlyMap<string, S>
}

/** Within the tick. Each socket is given its packets at once, in the batch's order, and each packet once in however many of its rooms it is. */
export function fanOut<S>({ adapter, sockets }: Audience<S>, batch: readonly Told[], write: (socket: S, packets: string[]) => void): void {
  const heard = placesOfRooms(batch, adapter.rooms)
  const packets = (places: number[]) => places.map((place) => (batch[place] as Told).packet)
  const done = new Set<string>()
  for (const [room, places] of heard) {
    const own = packets(places)
    // A copy: who cannot be written to leaves the room meanwhile.
    for (const id of [...(adapter.rooms.get(room) ?? [])]) {
      const socket = sockets.get(id)
      if (!socket || done.has(id)) continue
      if (heard.size === 1) {
        write(socket, own)
        continue
      }
      done.add(id)
      const rooms = [...(adapter.sids.get(id) ?? [])].filter((r) => heard.has(r))
      write(socket, rooms.length === 1 ? own : packets(union(rooms.map((r) => heard.get(r) ?? []))))
    }
  }
}

/** Of each room that anybody is in, the places in the batch of what it hears, in order. */
function placesOfRooms(batch: readonly Told[], rooms: ReadonlyMap<string, unknown>): Map<string, number[]> {
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
