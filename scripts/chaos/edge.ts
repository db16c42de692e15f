/**
 * A small edge, as a process of its own: `edge.ts <port> <api ports> <realtime ports>`, ports with commas. REST goes to the api processes
 * in turn, one request a connection; `/socket.io/` goes by the query's `client`, so that long polling stays on one process. Only
 * connecting is tried again, elsewhere: a request that has been sent may have been done. A message over its channel cuts connections, and is
 * answered with how many those were.
 */
import { connect, createServer, type Socket } from "node:net"

/** Longer than any head of ours. */
const HEAD_MAX_BYTES = 16 * 1024
const CONNECT_TIMEOUT_MS = 1_000

export type EdgeSaid = { listening: true } | { cut: number }

const [port = "", ...groups] = process.argv.slice(2)
const [api = [], realtime = []] = groups.map((list) => list.split(",").map(Number))
const open = new Set<Socket>()
let turn = 0

/** Ports to try, in order. */
function targetsOf(head: string): number[] {
  const path = head.split(" ", 2)[1] ?? ""
  const group = path.startsWith("/socket.io/") ? realtime : api
  const client = /[?&]client=(\d+)/.exec(path)?.[1]
  const first = client === undefined ? turn++ : Number(client)
  return group.map((_, n) => group[(first + n) % group.length] as number)
}

function connectTo([first, ...others]: number[]): Promise<Socket> {
  return new Promise<Socket>((resolve, reject) => {
    const upstream = connect({ host: "127.0.0.1", port: first ?? 0 })
    const timer = setTimeout(() => upstream.destroy(new Error("no answer")), CONNECT_TIMEOUT_MS)
    upstream.once("connect", () => {
      clearTimeout(timer)
      resolve(upstream)
    })
    upstream.once("error", reject)
  }).catch((error) => {
    if (others.length === 0) throw error
    return connectTo(others)
  })
}

/** An upgrade keeps its connection; every other request is the only one on its own. */
function rewritten(head: string): string {
  if (/^upgrade:/im.test(head)) return head
  const [request, ...headers] = head.split("\r\n").filter((line) => !/^(?:connection|keep-alive):/i.test(line))
  return [request, "Connection: close", ...headers].join("\r\n")
}

async function forward(client: Socket, head: Buffer, end: number): Promise<void> {
  const text = head.toString("latin1", 0, end)
  const upstream = await connectTo(targetsOf(text))
  if (client.destroyed) return void upstream.destroy()
  upstream.on("error", () => client.destroy())
  upstream.on("close", () => client.destroy())
  client.on("close", () => upstream.destroy())
  upstream.write(Buffer.concat([Buffer.from(rewritten(text), "latin1"), head.subarray(end)]))
  client.pipe(upstream, { end: false })
  upstream.pipe(client)
}

const server = createServer((client) => {
  open.add(client)
  client.on("error", () => {})
  client.on("close", () => open.delete(client))
  let head = Buffer.alloc(0)
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf("\r\n\r\n")
    if (end < 0) return void (head.length > HEAD_MAX_BYTES && client.destroy())
    client.off("data", onData)
    client.pause()
    forward(client, head, end).catch(() => client.destroy())
  }
  client.on("data", onData)
})
server.listen(Number(port), "127.0.0.1", () => process.send?.({ listening: true } satisfies EdgeSaid))

/** `{cut: 3}` resets every third connection. */
process.on("message", (message: { cut: number }) => {
  const chosen = [...open].filter((_, n) => n % message.cut === 0)
  for (const client of chosen) client.resetAndDestroy()
  process.send?.({ cut: chosen.length } satisfies EdgeSaid)
})
process.on("disconnect", () => process.exit(0))
