/** Real clients that write down all they hear, and come back from the last offset they saw. */
import { io, type Socket } from "socket.io-client"
import type { Diary, Person } from "./evidence.ts"

/** Quick enough that most of a run is heard live, and slow enough that outages are missed and replayed. */
const RECONNECT_MS = 100
const RECONNECT_MAX_MS = 1_000
const CONNECT_TIMEOUT_MS = 4_000

export type Listener = {
  diary: Diary
  /** Caught up since it last connected. */
  ready: () => boolean
  /** Cuts its own connection, as a network would. */
  drop: () => void
  close: () => void
}

type Meta = { id: string; offset: number; occurredAt: string }

/** `n` decides the realtime process that the edge sends it to first. */
export function listen(url: string, n: number, person: Person, token: string, transport: Diary["transport"]): Listener {
  const diary: Diary = { client: `${person.uid}/${transport}`, person, transport, connections: [], heard: [], gaps: [], ready: [] }
  const auth = { token, lastOffset: 0 }
  let ready = false
  const socket: Socket = io(`${url}/notifications`, {
    auth: (give) => give({ ...auth }),
    query: { client: String(n) },
    transports: transport === "upgrading" ? ["polling", "websocket"] : [transport],
    forceNew: true,
    reconnectionDelay: RECONNECT_MS,
    reconnectionDelayMax: RECONNECT_MAX_MS,
    timeout: CONNECT_TIMEOUT_MS,
  })
  socket.on("connect", () => diary.connections.push({ at: Date.now(), lastOffset: auth.lastOffset }))
  socket.on("disconnect", () => {
    ready = false
  })
  socket.on("stream:ready", ({ offset }: { offset: number }) => {
    ready = true
    diary.ready.push({ at: Date.now(), offset })
    auth.lastOffset = Math.max(auth.lastOffset, offset)
  })
  socket.on("stream:gap", (gap: { from: number; to: number }) => diary.gaps.push({ at: Date.now(), ...gap }))
  socket.onAny((name: string, data: Record<string, unknown>, meta?: Meta) => {
    if (meta?.id === undefined) return
    diary.heard.push({ connection: diary.connections.length - 1, at: Date.now(), name, data, id: meta.id, offset: meta.offset })
    auth.lastOffset = meta.offset
  })
  return { diary, ready: () => ready, drop: () => socket.io.engine?.close(), close: () => void socket.disconnect() }
}
