/** Everybody in turn, round after round, so that what the machine does meanwhile hits all alike; who comes after whom changes. */
import { randomOf, shuffled } from "../../demo/random.ts"
import type { Generator, Load } from "./generator.ts"

export type Entrant = {
  name: string
  url: string
  /** The file of its prepared paths. */
  paths: string
  /** Whether each of them must be refused. */
  refused?: boolean
  /** One request, to see that the server has come to rest. */
  probe: () => Promise<void>
}

export type Rounds = Map<string, Load[]>

export type RoundsOptions = { rounds: number; seconds: number; say: (line: string) => void }

const CONNECTIONS = 64
/** Who needs longer than this for one answer gets few connections: the rate is the same, and the queue is soon empty again. */
const SLOW_MS = 25
const CONNECTIONS_SLOW = 4
const PROBES = 5
const ORDER_SEED = 5

/** Loads of all rounds by name; a round before the first warms everybody up and does not count. */
export async function runRounds(entrants: readonly Entrant[], generator: Generator, options: RoundsOptions): Promise<Rounds> {
  const { rounds, seconds, say } = options
  const loads: Rounds = new Map(entrants.map(({ name }) => [name, []]))
  const connections = new Map<string, number>()
  const random = randomOf(ORDER_SEED, "doctors")
  for (const { name, probe } of entrants) connections.set(name, (await millisecondsOf(probe)) > SLOW_MS ? CONNECTIONS_SLOW : CONNECTIONS)
  for (let round = 0; round <= rounds; round++) {
    for (const { name, url, paths, refused, probe } of shuffled(random, entrants)) {
      const load = await generator.load({ url, paths, seconds, connections: connections.get(name) ?? CONNECTIONS, refused })
      await probe()
      if (round > 0) loads.get(name)?.push(load)
    }
    const now = entrants.map(({ name }) => `${name} ${loads.get(name)?.at(-1)?.perSecond.toFixed(0) ?? ""}`)
    say(round === 0 ? "warmed up" : `round ${round}: ${now.join(", ")}`)
  }
  return loads
}

async function millisecondsOf(probe: () => Promise<void>): Promise<number> {
  await probe()
  const started = performance.now()
  for (let i = 0; i < PROBES; i++) await probe()
  return (performance.now() - started) / PROBES
}
