/**
 * Compares the two engines Socket.IO can run on here, in one run and interleaved: `bun run bench:engines`.
 * What is delivered correctly comes first, then how many and how fast. Prints Markdown.
 */
import { io, type Socket } from "socket.io-client"
import { testRedis } from "../../tests/harness/services.ts"
import { ALLOWED_ORIGIN, type EngineName, PAYLOAD_LIMIT_BYTES } from "./engine-server.ts"

const ROUNDS = Number(process.argv[2] ?? 3)
const CLIENTS = 500
/** Back to back: what the engine can push out. */
const BURST_MESSAGES = 100
/** One every 10 ms: how long a message takes when the engine is not swamped. */
const PACED_MESSAGES = 50
const PACED_EVERY_MS = 10
const POLLING_CLIENTS = 30
const NUMBERS = 60
const FLOOD_MESSAGES = 240
const FLOOD_BYTES = 50_000
const STANDSTILL_MS = 700
const STEP_TIMEOUT_MS = 10_000

type Running = { url: string; stop: () => Promise<void> }

async function startServer(engine: EngineName, redisPort: number): Promise<Running> {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/engine-server.ts`, engine, String(redisPort)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  })
  const first = await child.stdout.getReader().read()
  return {
    url: `http://127.0.0.1:${new TextDecoder().decode(first.value).trim()}`,
    async stop() {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}

const now = () => performance.timeOrigin + performance.now()

async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  return await Promise.race([work, Bun.sleep(timeoutMs).then(() => undefined)])
}

function quantile(sorted: number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

// Speed -----------------------------------------------------------------------------------------------------------

/** A websocket client without a library, so that the clients' own work weighs little: resolves when it is connected. */
function bareClient(url: string, onMessage: (latencyMs: number) => void): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`)
    ws.onerror = () => reject(new Error("the websocket failed"))
    ws.onmessage = ({ data }: MessageEvent<string>) => {
      if (data.startsWith("42")) onMessage(now() - Number(data.slice(data.lastIndexOf('"at":') + 5, -2)))
      else if (data.startsWith("40")) resolve(ws)
      else if (data.startsWith("0")) ws.send("40")
      else if (data === "2") ws.send("3")
    }
  })
}

type Burst = { perSecond: number; p50: number; p99: number; lost: number }

async function measureBroadcast(
  latencies: { take: (ms: number) => void },
  speaker: WebSocket,
  messages: number,
  everyMs: number,
): Promise<Burst> {
  const expected = CLIENTS * messages
  const seen: number[] = []
  const start = now()
  const done = new Promise<void>((resolve) => {
    latencies.take = (ms) => {
      if (seen.push(ms) === expected) resolve()
    }
  })
  speaker.send(`42["broadcast",${messages},${everyMs}]`)
  await within(done, STEP_TIMEOUT_MS)
  const seconds = (now() - start) / 1000
  seen.sort((a, b) => a - b)
  return { perSecond: seen.length / seconds, p50: quantile(seen, 0.5), p99: quantile(seen, 0.99), lost: expected - seen.length }
}

type Speed = { connects: number; burst: Burst; paced: Burst }

async function measureSpeed(url: string): Promise<Speed> {
  const latencies = { take: (_ms: number) => {} }
  const start = now()
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => bareClient(url, (ms) => latencies.take(ms))))
  const connects = CLIENTS / ((now() - start) / 1000)
  const speaker = clients[0] as WebSocket
  const burst = await measureBroadcast(latencies, speaker, BURST_MESSAGES, 0)
  const paced = await measureBroadcast(latencies, speaker, PACED_MESSAGES, PACED_EVERY_MS)
  for (const ws of clients) ws.close()
  return { connects, burst, paced }
}

// Correctness -----------------------------------------------------------------------------------------------------

const connect = (url: string, transports: string[]) => io(url, { transports, forceNew: true, reconnection: false })

async function numbersReceived(client: Socket, count: number, everyMs: number): Promise<number[]> {
  const numbers: number[] = []
  const all = new Promise<void>((resolve) => {
    client.on("number", (n: number) => {
      if (numbers.push(n) === count) resolve()
    })
  })
  client.emit("numbers please", count, everyMs)
  await within(all, STEP_TIMEOUT_MS)
  return numbers
}

async function numbersSent(client: Socket, count: number): Promise<number[]> {
  for (let n = 0; n < count; n++) {
    client.emit("number", n)
    // Both a few packets in one request and one packet a request.
    if (n % 3 === 0) await Bun.sleep(2)
  }
  return (await within(client.emitWithAck("received") as Promise<number[]>, STEP_TIMEOUT_MS)) ?? []
}

/** How many of 0…count-1 are missing, doubled or out of place. */
function faults(numbers: number[], count: number): number {
  const misplaced = numbers.filter((n, i) => i > 0 && n <= (numbers[i - 1] as number)).length
  return count - new Set(numbers).size + misplaced
}

async function countFaults(url: string, transports: string[], ask: (client: Socket) => Promise<number[]>): Promise<string> {
  const clients = Array.from({ length: POLLING_CLIENTS }, () => connect(url, transports))
  const results = await Promise.all(clients.map(ask))
  const ends = new Set(clients.map((c) => c.io.engine?.transport.name))
  for (const client of clients) client.close()
  const bad = results.reduce((sum, numbers) => sum + faults(numbers, NUMBERS), 0)
  return `${bad} of ${POLLING_CLIENTS * NUMBERS}${ends.has("polling") && transports.length > 1 ? " (not all upgraded)" : ""}`
}

/** The reader stands still while 12 MB are sent to it, more than the sockets' own buffers hold, and reads on afterwards. */
async function slowReader(url: string): Promise<string> {
  const client = connect(url, ["websocket"])
  await new Promise<void>((resolve) => client.once("connect", () => resolve()))
  const numbers: number[] = []
  const all = new Promise<void>((resolve) => {
    client.on("number", (n: number) => {
      if (numbers.push(n) === FLOOD_MESSAGES) resolve()
    })
  })
  client.emit("flood", FLOOD_MESSAGES, FLOOD_BYTES)
  await Bun.sleep(1)
  Bun.sleepSync(STANDSTILL_MS)
  await within(all, STEP_TIMEOUT_MS)
  client.close()
  return `${faults(numbers, FLOOD_MESSAGES)} of ${FLOOD_MESSAGES}`
}

async function oversized(url: string, transport: string): Promise<string> {
  const client = connect(url, [transport])
  const outcome = new Promise<string>((resolve) => client.once("disconnect", (reason) => resolve(`cut (${reason})`)))
  client.emit("echo", "x".repeat(2 * PAYLOAD_LIMIT_BYTES), () => {})
  const said = (await within(outcome, STEP_TIMEOUT_MS / 4)) ?? "accepted or ignored"
  client.close()
  return said
}

async function corsAnswer(url: string, origin: string): Promise<string> {
  const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { origin } })
  await answer.text()
  return answer.headers.get("access-control-allow-origin") ?? "no header"
}

async function measureCorrectness(url: string): Promise<Record<string, string>> {
  return {
    "client → server by polling: faults": await countFaults(url, ["polling"], (c) => numbersSent(c, NUMBERS)),
    "server → client by polling: faults": await countFaults(url, ["polling"], (c) => numbersReceived(c, NUMBERS, 0)),
    "server → client while upgrading: faults": await countFaults(url, ["polling", "websocket"], (c) => numbersReceived(c, NUMBERS, 3)),
    "client → server while upgrading: faults": await countFaults(url, ["polling", "websocket"], (c) => numbersSent(c, NUMBERS)),
    "server → a websocket reader that stands still: faults": await slowReader(url),
    "twice the payload limit, websocket": await oversized(url, "websocket"),
    "twice the payload limit, polling": await oversized(url, "polling"),
    "CORS, an allowed origin": await corsAnswer(url, ALLOWED_ORIGIN),
    "CORS, another origin": await corsAnswer(url, "https://other.example"),
  }
}

// The run ---------------------------------------------------------------------------------------------------------

/** The lowest and the highest of the rounds. */
function spread(values: number[], digits: number): string {
  const print = (v: number) => v.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits })
  return `${print(Math.min(...values))}–${print(Math.max(...values))}`
}

function speedRow(label: string, speeds: Speed[]): string {
  const of = (read: (s: Speed) => number, digits = 0) => spread(speeds.map(read), digits)
  const lost = speeds.reduce((sum, s) => sum + s.burst.lost + s.paced.lost, 0)
  return `| ${[
    label,
    of((s) => s.connects),
    of((s) => s.burst.perSecond),
    `${of((s) => s.burst.p50)} / ${of((s) => s.burst.p99)}`,
    `${of((s) => s.paced.p50, 1)} / ${of((s) => s.paced.p99, 1)}`,
    lost,
  ].join(" | ")} |`
}

async function main(): Promise<void> {
  await using redis = await testRedis()
  const variants = (["node:http", "bun-engine"] as const).flatMap((engine) => [
    { engine, redisPort: 0, label: engine, speeds: [] as Speed[] },
    { engine, redisPort: redis.config.port, label: `${engine} + redis-adapter`, speeds: [] as Speed[] },
  ])
  for (let round = 0; round < ROUNDS; round++)
    for (const variant of variants) {
      const server = await startServer(variant.engine, variant.redisPort)
      variant.speeds.push(await measureSpeed(server.url))
      await server.stop()
    }
  console.log(
    `${CLIENTS} websocket clients, ${ROUNDS} rounds, lowest–highest. Burst: ${BURST_MESSAGES} messages to all, back to back; paced: ${PACED_MESSAGES}, one every ${PACED_EVERY_MS} ms.\n`,
  )
  console.log("| | connects/s | burst deliveries/s | burst p50 / p99 ms | paced p50 / p99 ms | lost |\n|---|---|---|---|---|---|")
  for (const { label, speeds } of variants) console.log(speedRow(label, speeds))

  const answers: Record<string, string>[] = []
  for (const engine of ["node:http", "bun-engine"] as const) {
    const server = await startServer(engine, 0)
    answers.push(await measureCorrectness(server.url))
    await server.stop()
  }
  console.log("\n| | node:http | bun-engine |\n|---|---|---|")
  for (const check of Object.keys(answers[0] ?? {})) console.log(`| ${[check, ...answers.map((a) => a[check])].join(" | ")} |`)
}

await main()
process.exit(0)
