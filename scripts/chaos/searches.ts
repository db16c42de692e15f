/**
 * People who look for doctors all the time, each search asked of one API process and not through the edge: so it is known who has to answer.
 */
import { between, chance, pick, type Random } from "../demo/random.ts"
import type { Cluster } from "./cluster.ts"
import type { Found, Search, SearchAnswer, SearchQuery, WholeWorld } from "./evidence.ts"
import { type Member, REGION, SPECIALIZATIONS } from "./people.ts"
import { placeIn } from "./roaming.ts"

const HANDS = 3
const PAUSE_MAX_MS = 60
/** Longer than any answer of a process that runs; a frozen one meets it. */
const TIMEOUT_MS = 4_000
/** More than there are doctors: what is found is all there is. */
const LIMIT = 100
const RADII_KM = [40, 120, 500]
const FEE_MAX = 300
const APIS = ["api-0", "api-1"] as const
type ApiName = (typeof APIS)[number]

export class Searches {
  readonly made: Search[] = []
  #stopped = false

  constructor(
    private readonly cluster: Cluster,
    private readonly who: Member,
    private readonly random: Random,
  ) {}

  stop(): void {
    this.#stopped = true
  }

  async run(): Promise<void> {
    await Promise.all(
      Array.from({ length: HANDS }, async () => {
        while (!this.#stopped) {
          const [process, query, from] = [pick(this.random, APIS), this.#query(), Date.now()]
          const answer = await this.#ask(process, { ...query, limit: LIMIT })
          this.made.push({ process, query, from, to: Date.now(), answer })
          await Bun.sleep(between(this.random, 0, PAUSE_MAX_MS))
        }
      }),
    )
  }

  /** All doctors there are, as each process finds them: by its index, and by SQL. */
  async findAll(): Promise<WholeWorld[]> {
    const { latitude, longitude, reachKm: radius } = REGION
    const ways = { "by place": { latitude, longitude, radius, limit: LIMIT }, "by name": { limit: LIMIT } }
    const asked = APIS.flatMap((process) => Object.entries(ways).map(([way, query]) => ({ process, way, query })))
    return await Promise.all(asked.map(async ({ process, way, query }) => ({ process, way, answer: await this.#ask(process, query) })))
  }

  #query(): SearchQuery {
    const { clinicLatitude: latitude, clinicLongitude: longitude } = placeIn(this.random)
    const query: SearchQuery = { latitude, longitude, radius: pick(this.random, RADII_KM) }
    if (chance(this.random, 0.3)) query.specialization = pick(this.random, SPECIALIZATIONS)
    if (chance(this.random, 0.3)) query.maxFee = between(this.random, 0, FEE_MAX)
    return query
  }

  async #ask(process: ApiName, query: Record<string, string | number>): Promise<SearchAnswer | undefined> {
    const port = this.cluster.processes.ports.get(process)
    const parameters = new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]))
    try {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/doctors/search?${parameters}`, {
        headers: { authorization: `Bearer ${this.who.token}` },
        keepalive: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      const served = /desc="([^"]+)"/.exec(response.headers.get("server-timing") ?? "")?.[1] ?? "nobody"
      return { status: response.status, served, ...foundIn((await response.json()) as Answered) }
    } catch {
      return undefined
    }
  }
}

type Answered = {
  data?: {
    id: string
    clinicLatitude: number
    clinicLongitude: number
    consultationFee: number
    specialization: string
    distanceKm: number | null
  }[]
  total?: number
}

function foundIn({ data = [], total = 0 }: Answered): { found: Found[]; total: number } {
  const found = data.map(
    ({ id, clinicLatitude: latitude, clinicLongitude: longitude, consultationFee: fee, specialization, distanceKm }) => ({
      id,
      latitude,
      longitude,
      fee,
      specialization,
      distanceKm,
    }),
  )
  return { found, total }
}
