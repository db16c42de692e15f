/** Waves of hostile clients who come, send and vanish: the processes that they talked to forget them. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { scrape, valueIn } from "../harness/metrics.ts"
import { tokenOf } from "../harness/realtime.ts"
import { freePort, until } from "../harness/services.ts"
import { randomPacket } from "./packets.ts"
import { type Child, realtimeBeside, type Target, target } from "./target.ts"

const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** After these all code has run and the collector has found its pace. */
const WARM_WAVES = 3
const WAVES = 3
const CLIENTS_A_WAVE = 400
/** Before the packets of chance, of which the first few end most connections, come such as are heard and go on. */
const HEARD_A_CLIENT = 60
const CHANCE_A_CLIENT = 10
/** A realtime process that misses clients after a few seconds, and a busy machine. */
const FORGOTTEN_MS = 30_000
/** A kilobyte kept of each client would be 1.2 MB, of each packet that is heard 36. */
const GROWTH_MAX_BYTES = 1024 * 1024

let api: Target
let realtime: Child
let metricsPort: number
beforeAll(async () => {
  const port = await freePort()
  metricsPort = await freePort()
  api = await target({ REALTIME_URL: `http://127.0.0.1:${port}` })
  realtime = await realtimeBeside(api, { PORT: String(port), METRICS_PORT: String(metricsPort) })
}, 60_000)
afterAll(async () => {
  await realtime[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

const read = async (name: string) => valueIn(await scrape(metricsPort), name) ?? Number.NaN
const [PING, PONG] = ["2", "3"]
const QUERY = "EIO=4&transport="
type Packet = string | Uint8Array
const asText = (packet: Packet) => (typeof packet === "string" ? packet : `b${Buffer.from(packet).toString("base64")}`)

async function byWebsocket(url: string, signIn: string | undefined, packets: Packet[]): Promise<void> {
  const ws = new WebSocket(`${url.replace("http", "ws")}/socket.io/?${QUERY}websocket`)
  let received = ""
  ws.onmessage = ({ data }) => {
    received += data
    // Until it has said all that it came for, however busy the machine.
    if (data === PING) ws.send(PONG)
  }
  ws.onerror = () => {}
  await until("the session is open", () => received.startsWith("0{"), 10_000)
  if (signIn !== undefined) {
    ws.send(signIn)
    await until("it is signed in", () => received.includes("40/notifications,"), 10_000)
  }
  for (const packet of packets) if (ws.readyState === WebSocket.OPEN) ws.send(packet)
  ws.close()
}

/** Goes without a word. */
async function byPolling(url: string, signIn: string | undefined, packets: Packet[]): Promise<void> {
  const base = `${url}/socket.io/?${QUERY}polling`
  const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1)) as { sid: string }
  const send = async (some: Packet[]) => {
    const answer = await fetch(`${base}&sid=${sid}`, { method: "POST", body: some.map(asText).join("\x1e") })
    expect([200, 400]).toContain(answer.status)
    await answer.arrayBuffer()
  }
  if (signIn !== undefined) {
    await send([signIn])
    await (await fetch(`${base}&sid=${sid}`)).text()
  }
  await send(packets)
}

const signInOf = (n: number) => `40/notifications,${JSON.stringify({ token: tokenOf(`hostile-${n}`) })}`

/** Half by websocket and half by polling, half signed in, half through the public port. Resolves when the server has let go of all of them. */
async function wave(seed: number): Promise<void> {
  const chance = fc.sample(randomPacket, { seed, numRuns: CLIENTS_A_WAVE * CHANCE_A_CLIENT })
  const urls = [api.url, `http://127.0.0.1:${realtime.port}`]
  const client = (n: number) => {
    const own = chance.slice(n * CHANCE_A_CLIENT, (n + 1) * CHANCE_A_CLIENT)
    const heard = Array.from({ length: HEARD_A_CLIENT }, (_, i) => `42/notifications,["${seed} ${n} ${i}",{"token":${i}}]`)
    const [url, come] = [urls[(n >> 2) % 2] as string, n % 2 === 0 ? byWebsocket : byPolling]
    return (n >> 1) % 2 === 0 ? come(url, signInOf(n), [...heard, ...own]) : come(url, undefined, own)
  }
  await Promise.all(Array.from({ length: CLIENTS_A_WAVE }, (_, n) => client(n)))
  await until("all of them are forgotten", async () => (await read("pulsecal_realtime_connections")) === 0, FORGOTTEN_MS)
  expect(await read("pulsecal_realtime_sockets")).toBe(0)
}

test(`of ${WAVES * CLIENTS_A_WAVE} hostile clients who vanish no connection, no socket and no memory is left, at either door`, async () => {
  console.log(`waves: FUZZ_SEED=${SEED}`)
  const heaps: Record<string, number[]> = { api: [], realtime: [] }
  for (let n = 0; n < WARM_WAVES + WAVES; n++) {
    await wave(SEED + n)
    heaps.api?.push((await api.memory()).heapBytes)
    heaps.realtime?.push((await realtime.memory()).heapBytes)
  }
  for (const [name, bytes] of Object.entries(heaps)) console.log(`waves: heap of ${name} after each ${bytes.join(" → ")} bytes`)
  const growth = ([, bytes]: [string, number[]]) => (bytes.at(-1) ?? Number.NaN) - (bytes[WARM_WAVES - 1] ?? Number.NaN)
  const grown = Object.entries(heaps).filter((of) => !(growth(of) < GROWTH_MAX_BYTES))
  expect(grown).toEqual([])
  for (const child of [api, realtime]) {
    expect(child.isRunning()).toBe(true)
    expect(await child.log()).toBe("")
  }
}, 285_000)
