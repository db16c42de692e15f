/** A client that stands still after the first event, in a process of its own: `slow-reader.ts <url> <token>`; prints what it heard. */
import { io } from "socket.io-client"

const STANDSTILL_MS = 1_500

const [url, token] = process.argv.slice(2)
const socket = io(`${url}/notifications`, { transports: ["websocket"], auth: { token, lastOffset: 0 } })
const offsets: number[] = []
let connections = 0
socket.on("connect", () => connections++)
socket.onAny((_name, _data, meta) => {
  if (!meta) return
  if (offsets.push(meta.offset) === 1) Bun.sleepSync(STANDSTILL_MS)
})
socket.once("stream:ready", () => {
  console.log(JSON.stringify({ offsets, connections }))
  process.exit(0)
})
