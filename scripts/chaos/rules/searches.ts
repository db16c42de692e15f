/** What was found against what the doctors' rows were, and who went on answering while Postgres or Redis was away. */
import type { Calm, DoctorState, Evidence, FaultRecord, Found, Life, Search, SearchAnswer, SearchQuery, Violation } from "../evidence.ts"

/** What the contract allows from a commit to every process's searches. */
const STALE_MAX_MS = 1_000
/** A process that was frozen first answers those who came meanwhile. */
const THAWED_MS = 1_000
/** Mean radius, as the contract has it. */
const EARTH_KM = 6371.0088
/** Distances are told to a metre. */
const METRE_KM = 0.001

/** A state and until when it was the row's. */
type Spell = DoctorState & { until: number }
type Histories = Map<string, Spell[]>

export function checkSearches(evidence: Evidence): Violation[] {
  const histories = historiesOf(evidence.doctorStates)
  return [
    ...evidence.searches.flatMap((search) => truth(search, histories, evidence.calm)),
    ...service(evidence),
    ...worlds(evidence, histories),
  ]
}

/** How old what was found in calm was at most, in ms. */
export function stalestInCalm({ searches, doctorStates, calm }: Pick<Evidence, "searches" | "doctorStates" | "calm">): number {
  const histories = historiesOf(doctorStates)
  let stalest = 0
  for (const search of searches)
    if (search.answer?.status === 200 && isCalm(search, calm))
      for (const [id, spells] of histories) stalest = Math.max(stalest, ageOf(search, spells, foundBy(search.answer, id)))
  return stalest
}

export function historiesOf(states: DoctorState[]): Histories {
  const histories: Histories = new Map()
  for (const [id, own] of Map.groupBy(states, (state) => state.doctorId))
    histories.set(
      id,
      own.map((state, n) => ({ ...state, until: own[n + 1]?.at ?? Number.POSITIVE_INFINITY })),
    )
  return histories
}

const foundBy = (answer: SearchAnswer, id: string) => answer.found.find((found) => found.id === id)

const isCalm = (search: Search, calm: Calm[]) => calm.some(({ from, to }) => search.from - STALE_MAX_MS >= from && search.to <= to)

function truth(search: Search, histories: Histories, calm: Calm[]): Violation[] {
  const { answer, process, query } = search
  if (answer?.status !== 200) return []
  const said = `${process} by ${answer.served}, ${new Date(search.from).toISOString()} ${JSON.stringify(query)}`
  const violations: Violation[] = []
  if (!isInOrder(answer)) violations.push({ promise: "found are the nearest first, each once, and counted", what: said, about: [] })
  for (const { id } of answer.found)
    if (!histories.has(id)) violations.push({ promise: EXPLAINED, what: `${said}: found ${id}, who never was`, about: [id] })
  const allowedMs = isCalm(search, calm) ? STALE_MAX_MS : Number.POSITIVE_INFINITY
  for (const [id, spells] of histories) {
    const found = foundBy(answer, id)
    const ageMs = ageOf(search, spells, found)
    if (Number.isFinite(ageMs) && ageMs <= allowedMs) continue
    const age = Number.isFinite(ageMs) ? `as it was ${Math.round(ageMs)} ms before` : "as it never was until then"
    violations.push({ promise: EXPLAINED, what: `${said}: ${id} ${found ? "was found" : "was not found"} ${age}`, about: [id] })
  }
  return violations
}

const EXPLAINED = "a search shows doctors as they were committed, a second ago at most while all is well"

function isInOrder({ found, total }: SearchAnswer): boolean {
  const inOrder = found.every((item, n) => {
    const before = found[n - 1]
    if (!before || item.distanceKm === null || before.distanceKm === null) return true
    return before.distanceKm < item.distanceKm + METRE_KM && before.id !== item.id
  })
  return inOrder && total === found.length && new Set(found.map((f) => f.id)).size === found.length
}

/** How long before the search the newest state that explains what it says of this doctor was over: 0 while it lasted, infinite for none. */
function ageOf({ from, to, query }: Search, spells: Spell[], found: Found | undefined): number {
  let ageMs = found === undefined ? Math.max(0, from - (spells[0]?.at ?? 0)) : Number.POSITIVE_INFINITY
  for (let n = spells.length - 1; n >= 0; n--) {
    const spell = spells[n] as Spell
    if (spell.at > to || !explains(spell, query, found)) continue
    ageMs = Math.min(ageMs, Math.max(0, from - spell.until))
    break
  }
  return ageMs
}

function explains(spell: Spell, query: SearchQuery, found: Found | undefined): boolean {
  const distanceKm = distance(spell, query)
  const fits =
    spell.active &&
    (query.specialization === undefined || spell.specialization === query.specialization) &&
    (query.maxFee === undefined || spell.fee <= query.maxFee)
  if (found === undefined) return !fits || distanceKm > query.radius - METRE_KM
  return fits && distanceKm < query.radius + METRE_KM && isSame(spell, found) && Math.abs(distanceKm - (found.distanceKm ?? 0)) < METRE_KM
}

function isSame(spell: DoctorState, { latitude, longitude, fee, specialization }: Found): boolean {
  return spell.latitude === latitude && spell.longitude === longitude && spell.fee === fee && spell.specialization === specialization
}

type Place = { latitude: number; longitude: number }

/** By vectors, which is not how the product does it. */
function distance(a: Place, b: Place): number {
  const [p, q] = [vector(a), vector(b)]
  const chord = Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2])
  return 2 * EARTH_KM * Math.asin(Math.min(1, chord / 2))
}

function vector({ latitude, longitude }: Place): [number, number, number] {
  const [lat, lng] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180]
  return [Math.cos(lat) * Math.cos(lng), Math.cos(lat) * Math.sin(lng), Math.sin(lat)]
}

/** From its first answer by the index on a process goes on so until it ends, whatever is away. One that is frozen answers nobody. */
function service({ searches, lives, faults }: Evidence): Violation[] {
  const promise = "whoever has answered by the index goes on answering by it while Postgres or Redis is away"
  const violations: Violation[] = []
  for (const life of lives) {
    const own = searches.filter((s) => s.process === life.process && s.from >= life.from && s.to <= life.to)
    const since = Math.min(...own.filter((s) => s.answer?.served === "index").map((s) => s.to))
    for (const { process, from, to, answer } of own) {
      if (from < since || answer?.served === "index" || (answer === undefined && wasFrozen(life, faults, from, to))) continue
      const said = answer === undefined ? `nothing within ${to - from} ms` : `${answer.status}, served by ${answer.served}`
      violations.push({ promise, what: `${process} answered ${said}, ${new Date(from).toISOString()}`, about: [process] })
    }
  }
  return violations
}

function wasFrozen({ process }: Life, faults: FaultRecord[], from: number, to: number): boolean {
  return faults.some((fault) => fault.what === `freeze ${process}` && fault.at <= to && fault.endedAt + THAWED_MS >= from)
}

function worlds({ worlds: found }: Evidence, histories: Histories): Violation[] {
  const promise = "at the end every process finds all doctors as the table has them, and nobody who is not active"
  const last = [...histories.values()].flatMap((spells) => spells.slice(-1))
  const active = new Map(last.filter((state) => state.active).map((state) => [state.doctorId, state]))
  return found.flatMap(({ process, way, answer }) => {
    const said = `${process} ${way} (${answer ? `${answer.status} by ${answer.served}` : "no answer"})`
    const wrong = (answer?.found ?? []).filter((f) => {
      const state = active.get(f.id)
      return !state || !isSame(state, f)
    })
    const missing = [...active.keys()].filter((id) => !answer?.found.some((f) => f.id === id))
    return [
      ...wrong.map(({ id }) => ({ promise, what: `${said} finds ${id}, who is not, or not so`, about: [id] })),
      ...missing.map((id) => ({ promise, what: `${said} does not find ${id}`, about: [id] })),
    ]
  })
}
