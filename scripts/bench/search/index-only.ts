/**
 * `bun run bench:search:index [--churn] [sizes…]`: the doctor index alone, in one process without a server, beside kdbush with
 * geokdbush, one for each specialization and one of all. Both answer the same queries, in turns, and are checked to find the same. Each size
 * has a process of its own.
 * Then what each kind of search costs it, names, cities and far pages too. With `--churn` also what a day's worth of changes does to it.
 */
import { parseArgs } from "node:util"
import { DoctorIndex, type IndexedDoctor, type NearQuery } from "../../../core/doctors/index/doctor-index.ts"
import { median, say, spread } from "../environment.ts"
import { measureIndexAlone } from "./children.ts"
import { churn } from "./index-churn.ts"
import { describeKinds, measureKinds } from "./index-kinds.ts"
import { KdPeers } from "./index-peers.ts"
import { queriesOf, worldOf } from "./index-world.ts"

const { values, positionals } = parseArgs({ options: { churn: { type: "boolean", default: false } }, allowPositionals: true })
const SIZES = positionals.length > 0 ? positionals.map(Number) : [100_000, 1_000_000]
const QUERIES = 10_000
const CHECKED = 2_000
const ROUNDS = 7
/** In turns this short that whatever else the machine does hits all of them alike. */
const TURN_QUERIES = 500
const PAGE = 20
const MB = 1_000_000
/** Answers are rounded to metres. */
const METRE_KM = 0.001

type Ask = (q: NearQuery) => unknown
type Contender = { name: string; ask: Ask }

function built(world: readonly IndexedDoctor[]): { index: DoctorIndex; seconds: number; longestStepMs: number } {
  const started = performance.now()
  const index = new DoctorIndex({ expected: world.length })
  for (const doctor of world) index.add(doctor)
  let [before, longestStepMs] = [performance.now(), 0]
  for (const _ of index.finish()) {
    const now = performance.now()
    longestStepMs = Math.max(longestStepMs, now - before)
    before = now
  }
  return { index, seconds: (before - started) / 1000, longestStepMs }
}

/** Microseconds a query of one contender and of another, one figure a round. Who goes first finds the questions out of the cache: each in turn. */
function compare(one: Ask, other: Ask, queries: readonly NearQuery[]): [number[], number[]] {
  const asks = [one, other]
  const rounds = asks.map(() => new Array<number>(ROUNDS).fill(0)) as [number[], number[]]
  for (const ask of asks) for (const q of queries) ask(q)
  for (let round = 0; round < ROUNDS; round++) {
    for (let from = 0, first = round % 2; from < queries.length; from += TURN_QUERIES, first = 1 - first) {
      const turn = queries.slice(from, from + TURN_QUERIES)
      for (const i of [first, 1 - first]) {
        const ask = asks[i] as Ask
        const started = performance.now()
        for (const q of turn) ask(q)
        const figures = rounds[i] as number[]
        figures[round] = (figures[round] as number) + ((performance.now() - started) * 1000) / queries.length
      }
    }
  }
  return rounds
}

/** The same doctors at the same distances: those of equal distance stand in no order in kdbush. */
function requireSame(index: DoctorIndex, peers: KdPeers, queries: readonly NearQuery[]): void {
  for (const q of queries.slice(0, CHECKED)) {
    const answer = JSON.parse(Buffer.from(index.search(q)).toString()) as { data: { id: string; distanceKm: number }[] }
    const found = peers.distancesOf(q)
    const isSame = ({ id, distanceKm }: { id: string; distanceKm: number }, i: number) =>
      Math.abs(peers.kmTo(q, id) - distanceKm) < METRE_KM && Math.abs((found[i] ?? -1) - distanceKm) < METRE_KM
    const same = answer.data.every(isSame)
    if (!same || found.length !== answer.data.length) throw new Error(`the index and kdbush differ about ${JSON.stringify(q)}`)
  }
}

if (SIZES.length === 1) measure(SIZES[0] as number)
else console.log(await measureIndexAlone(SIZES, ...(values.churn ? ["--churn"] : [])))

function measure(size: number): void {
  say(`${size} doctors …`)
  const world = worldOf(size)
  const { index, seconds, longestStepMs } = built(world)
  const peers = new KdPeers(world)
  const queries = queriesOf(world, 4 * QUERIES)
    .filter((q) => index.findNearest(q, false) === PAGE)
    .slice(0, QUERIES)
  requireSame(index, peers, queries)
  const contenders: Contender[] = [
    { name: "the doctor index, 20 nearest", ask: (q) => index.findNearest(q, false) },
    { name: "… and `total`", ask: (q) => index.findNearest(q, true) },
    { name: "… and `total`, as JSON", ask: (q) => index.search(q) },
  ]
  const measured = contenders.map(({ name, ask }) => {
    const [us, kdbush] = compare(ask, (q) => peers.ask(q), queries)
    return { name, us, kdbush }
  })
  const [{ kdbush }] = measured as [(typeof measured)[0]]
  measured.push({ name: "kdbush per specialization, 20 nearest", us: kdbush, kdbush })
  console.log(
    `\n| ${size.toLocaleString("en")} doctors, in one process without a server | µs a search | searches a second | kdbush's time ÷ this |`,
  )
  console.log("|---|---|---|---|")
  for (const { name, us, kdbush } of measured) {
    const ratios = us.map((own, round) => (kdbush[round] as number) / own)
    console.log(
      `| ${name} | ${spread(us, (n) => n.toFixed(2))} | ${Math.round(1e6 / median(us)).toLocaleString("en")} | ${spread(ratios, (n) => n.toFixed(1))} |`,
    )
  }
  const bytes = (index.bytes / MB).toFixed(0)
  console.log(
    `\nBuilt in ${seconds.toFixed(1)} s, longest step ${longestStepMs.toFixed(1)} ms; ${bytes} MB, ${Math.round(index.bytes / size)} bytes a doctor.`,
  )
  console.log(`\n${describeKinds(size, measureKinds(index, world))}`)
  if (values.churn) describeChurn(index, world, queries)
}

function describeChurn(index: DoctorIndex, world: readonly IndexedDoctor[], queries: readonly NearQuery[]): void {
  const after = churn(index, world)
  const fresh = built(after.world).index
  if (index.checksum() !== fresh.checksum()) throw new Error("the index that changed does not hold what a new one holds")
  const [changed, anew] = compare(
    (q) => index.search(q),
    (q) => fresh.search(q),
    queries,
  )
  const ratio = changed.map((us, round) => us / (anew[round] as number))
  console.log(
    `After ${after.changes.toLocaleString("en")} changes (${after.usPerChange.toFixed(1)} µs each, upkeep ${after.upkeepSeconds.toFixed(1)} s): a search takes ${spread(ratio, (n) => n.toFixed(2))} × as long as in a new index, in ${(index.bytes / fresh.bytes).toFixed(2)} × the memory.`,
  )
}
