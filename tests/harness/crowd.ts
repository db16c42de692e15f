/** Many real clients in a process of their own, `crowd.ts`: each time it is told to, all connect at once; then it says what they heard. */
import { io, type Socket } from "socket.io-client"

export type CrowdMember = { token: string; transport: "websocket" | "polling"; lastOffset?: number }
export type CrowdDiary = { offsets: number[]; ready: number[]; gaps: { from: number; to: number }[]; disconnects: string[] }
export type CrowdCommand =
  /** Answered when all are caught up; with `standstillMs`, when they have connected and then read nothing for so long. */
  { come: { url: string; members: CrowdMember[]; standstillMs: number } } | { say: true } | { leave: true }

/** What was sent has left by then. */
const SENT_MS = 50

type Client = { socket: Socket; diary: CrowdDiary }
let clients: Client[] = []

/** With a connection, but not yet in the namespace. */
async function open(url: string, { token, transport, lastOffset }: CrowdMember): Promise<Client> {
  const diary: CrowdDiary = { offsets: [], ready: [], gaps: [], disconnects: [] }
  const auth = { token, lastOffset }
  const socket = io(`${url}/notifications`, { forceNew: true, autoConnect: false, transports: [transport], auth })
  socket.on("stream:ready", ({ offset }: { offset: number }) => diary.ready.push(offset))
  socket.on("stream:gap", (gap: { from: number; to: number }) => diary.gaps.push(gap))
  socket.on("disconnect", (reason) => diary.disconnects.push(reason))
  socket.onAny((_name: string, _data: unknown, meta?: { offset: number }) => {
    if (meta?.offset !== undefined) diary.offsets.push(meta.offset)
  })
  await new Promise<void>((resolve) => socket.io.open((error) => error || resolve()))
  return { socket, diary }
}

const say = () => process.send?.(clients.map(({ diary }) => diary))

process.on("message", async (command: CrowdCommand) => {
  if ("say" in command) say()
  if ("leave" in command) for (const { socket } of clients.splice(0)) socket.disconnect()
  if (!("come" in command)) return
  const { url, members, standstillMs } = command.come
  clients = await Promise.all(members.map((member) => open(url, member)))
  const caughtUp = clients.map(({ socket }) => new Promise((resolve) => socket.once("stream:ready", resolve)))
  for (const { socket } of clients) socket.connect()
  if (standstillMs > 0) {
    await Bun.sleep(SENT_MS)
    Bun.sleepSync(standstillMs)
  } else await Promise.all(caughtUp)
  say()
})
process.on("disconnect", () => process.exit(0))
