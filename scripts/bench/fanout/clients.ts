/** A process with all clients of one server. It is told what to do, and answers, over its channel to the benchmark. */
import { mintDevelopmentToken } from "../../../core/auth/development.ts"
import { percentile } from "../environment.ts"
import { connectClient } from "./client.ts"
import { type Outcome, Tally } from "./tally.ts"

export type Ask =
  | { ask: "connect"; port: number; clients: number }
  | { ask: "expect"; events: number }
  | { ask: "outcome"; starts: number[] }
export type Round = Outcome & { endMs: number; p50: number; p99: number }
export type Answer = { cut: number } & ({ answer: "connected" | "expecting" } | ({ answer: "outcome" } & Round))

/** Below what a server admits at once. */
const CONNECTING_AT_ONCE = 200
const TOKEN_SECONDS = 3_600
const ROUND_TIMEOUT_MS = 20_000

export const uidOf = (client: number) => `listener-${client}`
/** The same clock in every process of the machine. */
export const nowMs = () => performance.timeOrigin + performance.now()

let tally = new Tally(0)
let cut = 0

async function connectAll(port: number, clients: number): Promise<void> {
  tally = new Tally(clients)
  const queue = Array.from({ length: clients }, (_, n) => n).values()
  await Promise.all(
    Array.from({ length: CONNECTING_AT_ONCE }, async () => {
      for (const n of queue)
        await connectClient({
          port,
          token: mintDevelopmentToken({ projectId: "demo-pulsecal", uid: uidOf(n), expiresInSeconds: TOKEN_SECONDS }),
          heard: (packet) => tally.hear(n, packet, nowMs()),
          lost: () => cut++,
        })
    }),
  )
}

async function obey(message: Ask): Promise<Answer> {
  switch (message.ask) {
    case "connect":
      await connectAll(message.port, message.clients)
      return { answer: "connected", cut }
    case "expect":
      tally.expect(message.events)
      return { answer: "expecting", cut }
    case "outcome": {
      const outcome = await tally.outcome(ROUND_TIMEOUT_MS)
      const latencies = [...tally.latencies(message.starts)]
      return { answer: "outcome", cut, ...outcome, endMs: tally.end, p50: percentile(latencies, 50), p99: percentile(latencies, 99) }
    }
  }
}

if (import.meta.main) process.on("message", async (message: Ask) => process.send?.(await obey(message)))
