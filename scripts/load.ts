/** `bun run load`: searches a running deployment at a set rate, and says how long they took from the moment each was due. */
import { mintDevelopmentToken } from "../core/auth/development.ts"
import { NOT_SENT, sendArrivals } from "./load/arrivals.ts"
import { ask, ENDED_MS } from "./load/ask.ts"
import { type LoadOptions, readOptions } from "./load/options.ts"
import { searches } from "./load/searches.ts"
import { Tally } from "./load/tally.ts"
import { runCommand, SetupError } from "./services/say.ts"

const PATHS = 5_000
/** What Bun's client opens at most by default; more would queue in it. */
const IN_FLIGHT_MAX = 256
/** Development's callers, so that a deployment's limits for each leave room. */
const CALLERS = 64
const TOKEN_SECONDS = 2 * 3600

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2), process.env)
  const tokens = options.tokens.length > 0 ? options.tokens : developmentTokens()
  const paths = searches(PATHS)
  await requireAnswer(options, paths[0] as string, tokens[0] as string)
  const stopping = new AbortController()
  // A terminal's Ctrl-C may come twice.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort())
  const tally = new Tally()
  const send = (nth: number) => ask(options.url + paths[nth % paths.length], tokens[nth % tokens.length] as string)
  const arrivals = await sendArrivals(send, tally, { ...options, inFlightMax: IN_FLIGHT_MAX, drainMs: ENDED_MS, signal: stopping.signal })
  const { tookMs, interruptedMs = options.seconds * 1000 } = arrivals
  const seconds = Number(Math.min(options.seconds, interruptedMs / 1000).toFixed(1))
  if (arrivals.interruptedMs !== undefined) console.log(describeInterrupt(seconds, tally))
  for (const line of tally.lines({ perSecond: options.perSecond, seconds }, tookMs)) console.log(line)
  process.exit(tally.succeeded === tally.count ? 0 : 1)
})

function describeInterrupt(seconds: number, tally: Tally): string {
  const unsent = tally.outcomes.get(NOT_SENT) ?? 0
  const waited =
    unsent > 0 ? `; ${unsent.toLocaleString("en")} were due by then and had found no room: they count with the time they had waited` : ""
  return `Interrupted after ${seconds} s${waited}.`
}

function developmentTokens(): string[] {
  const projectId = process.env.FIREBASE_PROJECT_ID || "demo-pulsecal"
  return Array.from({ length: CALLERS }, (_, n) => mintDevelopmentToken({ projectId, uid: `load-${n}`, expiresInSeconds: TOKEN_SECONDS }))
}

/** Says at once what would otherwise be said thousands of times. */
async function requireAnswer({ url }: LoadOptions, path: string, token: string): Promise<void> {
  const outcome = await ask(url + path, token)
  if (outcome === "401") throw new SetupError(`${url} refuses the token: give it one with --token or LOAD_TOKEN (bun run token)`)
  if (outcome !== "200") throw new SetupError(`${url} does not answer a search with 200 (${outcome})`)
}
