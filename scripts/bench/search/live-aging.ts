/** What very many changes do to an index: its searches and its memory, beside one that is built afresh of the same doctors. */
import { DoctorIndex, type IndexedDoctor, type NearQuery } from "../../../core/doctors/index/doctor-index.ts"
import { Slices } from "../../../core/doctors/index/load-slices.ts"
import { between, type Random, randomOf } from "../../demo/random.ts"
import { percentile, spread } from "../environment.ts"
import { startClock } from "../processor-wait.ts"
import { AgingWorld } from "./aging-world.ts"
import { queriesOf, worldOf } from "./index-world.ts"

/** As the service does its upkeep. */
const UPKEEP_MS = 1
const UPDATES_BETWEEN_UPKEEPS = 50
/** Searches between two upkeeps, which are timed as well. */
const SEARCHES_BETWEEN_UPKEEPS = 5
const SEED = 2
const QUERIES = 2_000
const ROUNDS = 9
/** What requests may be held for. */
export const HOLD_MS = 5
/**
 * The most that the changed index may take, as times a fresh build: for good, once upkeep has nothing left to do, 1.2. Right after very many
 * changes in a row upkeep is behind, as a day's changes over a day never leave it: that may be felt, but a search may not take twice as long.
 */
export const TIMES_FRESH = { atOnce: 2, tidied: 1.2, memory: 1.2 }

export type Aging = {
  /** Each round's time of all queries, old ÷ fresh: right after the last change, and once upkeep has nothing left to do. */
  searchRatios: { atOnce: number[]; tidied: number[] }
  memoryRatio: number
  /** Pieces of work between two turns of the event loop, ms on the processor: time in which the machine ran others is not ours. */
  holdMs: Record<Work, number[]>
  updatesPerSecond: number
  sameChecksum: boolean
}

type Work = "changes" | "upkeep" | "searches"

export async function age(doctors: number, updates: number): Promise<Aging> {
  const { world, queries } = prepare(doctors)
  const old = build(doctors, world.active())
  Bun.gc(true)
  const turns = new Turns()
  const changingMs = await timed(() => changeAll(old, { world, queries, updates }, turns))
  const fresh = build(doctors, world.active())
  const atOnce = compare(old, fresh, queries)
  turns.start()
  const tidyingMs = await timed(async () => {
    while (old.maintain(UPKEEP_MS)) await turns.next("upkeep")
  })
  const tidied = compare(old, fresh, queries)
  return {
    searchRatios: { atOnce, tidied },
    memoryRatio: old.bytes / fresh.bytes,
    holdMs: turns.holdMs,
    updatesPerSecond: (updates / (changingMs + tidyingMs)) * 1000,
    sameChecksum: old.checksum() === fresh.checksum() && old.size === fresh.size,
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** In turns, old ÷ fresh. */
function compare(old: DoctorIndex, fresh: DoctorIndex, queries: readonly NearQuery[]): number[] {
  const time = (index: DoctorIndex) => {
    const from = performance.now()
    for (const query of queries) index.search(query)
    return performance.now() - from
  }
  const ratios: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const [a, b] = round % 2 ? [time(old), time(fresh)] : [time(fresh), time(old)].reverse()
    // The first round warms both up.
    if (round > 0) ratios.push((a as number) / (b as number))
  }
  return ratios
}

function prepare(doctors: number): { world: AgingWorld; queries: NearQuery[] } {
  const all = worldOf(doctors)
  return { world: new AgingWorld(all), queries: queriesOf(all, QUERIES) }
}

function build(expected: number, doctors: Iterable<IndexedDoctor>): DoctorIndex {
  const index = new DoctorIndex({ expected })
  for (const doctor of doctors) index.add(doctor)
  for (const _ of index.finish());
  return index
}

/** Lets the event loop turn after each piece of work, and notes how long that ran. */
class Turns {
  readonly holdMs: Aging["holdMs"] = { changes: [], upkeep: [], searches: [] }
  readonly #slices = new Slices()
  #passed = startClock()

  get isDue(): boolean {
    return this.#slices.isOver
  }

  /** What was done since the last turn counts for nothing. */
  start(): void {
    this.#passed = startClock()
  }

  async next(work: Work): Promise<void> {
    this.holdMs[work].push(this.#passed().ranMs)
    await this.#slices.next()
    this.start()
  }
}

type Changing = { world: AgingWorld; queries: readonly NearQuery[]; updates: number }

async function changeAll(index: DoctorIndex, { world, queries, updates }: Changing, turns: Turns): Promise<void> {
  const random = randomOf(SEED, "appointments")
  turns.start()
  for (let n = 1; n <= updates; n++) {
    changeOne(index, world, random)
    if (turns.isDue) await turns.next("changes")
    if (n % UPDATES_BETWEEN_UPKEEPS !== 0) continue
    await turns.next("changes")
    for (let i = 0; i < SEARCHES_BETWEEN_UPKEEPS; i++) index.search(queries[(n + i) % queries.length] as NearQuery)
    await turns.next("searches")
    index.maintain(UPKEEP_MS)
    await turns.next("upkeep")
  }
}

function changeOne(index: DoctorIndex, world: AgingWorld, random: Random): void {
  const nth = between(random, 0, world.size - 1)
  world.change(random, nth)
  const doctor = world.at(nth)
  if (world.isGone(nth)) index.remove(doctor.id, doctor.version)
  else index.upsert(doctor)
}

function describeHold(work: Work, holds: number[]): string {
  const over = holds.filter((ms) => ms > HOLD_MS).length
  return `| the event loop is held by ${work}, ms: p50 / p99.9 / longest; over ${HOLD_MS} ms | ${[percentile(holds, 50), percentile(holds, 99.9), percentile(holds, 100)].map((ms) => ms.toFixed(1)).join(" / ")}; ${over} of ${holds.length} |`
}

export function describeAging({ searchRatios, memoryRatio, holdMs, updatesPerSecond, sameChecksum }: Aging): string[] {
  const ratio = (value: number) => value.toFixed(2)
  const { atOnce, tidied } = searchRatios
  return [
    `| search time ÷ fresh build: median (min–max), right after the last change, upkeep behind (bound: ${TIMES_FRESH.atOnce}) | ${spread(atOnce, ratio)} |`,
    `| … once upkeep has nothing left to do (bound: ${TIMES_FRESH.tidied}) | ${spread(tidied, ratio)} |`,
    `| memory ÷ fresh build, by then (bound: ${TIMES_FRESH.memory}) | ${ratio(memoryRatio)} |`,
    ...(["changes", "searches", "upkeep"] as const).map((work) => describeHold(work, holdMs[work])),
    `| changes a second, upkeep included | ${updatesPerSecond.toFixed(0)} |`,
    `| same doctors as the fresh build | ${sameChecksum ? "yes" : "NO"} |`,
  ]
}
