/** Every searchable doctor in memory, in H3 trees. */
import type { SearchQuery } from "../search/schema.ts"
import { AnswerWriter } from "./answer.ts"
import { contentOf, contentOfLine } from "./content.ts"
import { Dictionary } from "./dictionary.ts"
import { Forest } from "./forest.ts"
import { bytesChecksum, type IndexedDoctor } from "./listed-doctor.ts"
import { type Content, FEE, LATITUDE, LONGITUDE, SPECIALIZATION, VERSION } from "./record-layout.ts"
import { Records } from "./records.ts"
import { Searcher } from "./searcher.ts"
import { meanStride } from "./stride.ts"
import { Tombstones } from "./tombstones.ts"
import { Upkeep } from "./upkeep.ts"

export { doctorChecksum, type IndexedDoctor } from "./listed-doctor.ts"

/** A search around a position. */
export type NearQuery = SearchQuery & { latitude: number; longitude: number }

export type DoctorIndexOptions = {
  /** About how many doctors will be held. A hint for the first sizes only. */
  expected?: number
}

/** No JSON has one. */
const LINE_END = 10
const WITHOUT_PAUSE = Number.POSITIVE_INFINITY
/** Of a search that goes on for longer: what it holds the event loop for at a time. */
const SLICE_MS = 1

export class DoctorIndex {
  readonly #records: Records
  readonly #forest: Forest
  readonly #searcher: Searcher
  /** Of the search that goes on for longer. */
  readonly #slowSearcher: Searcher
  readonly #writer: AnswerWriter
  readonly #upkeep: Upkeep
  readonly #specializations = new Dictionary()
  readonly #cities = new Dictionary()
  readonly #tombstones = new Tombstones()

  constructor({ expected = 0 }: DoctorIndexOptions = {}) {
    this.#records = new Records(expected)
    this.#forest = new Forest(this.#records, expected)
    const searched = { records: this.#records, forest: this.#forest, specializations: this.#specializations, cities: this.#cities }
    this.#searcher = new Searcher(searched)
    this.#slowSearcher = new Searcher(searched)
    this.#upkeep = new Upkeep(this.#records, this.#forest.nodes, this.#forest.everyone)
    this.#writer = new AnswerWriter(this.#records)
  }

  /** While loading, before `finish`. Rows in the order of their H3 cell make the bytes lie by place; any order is right. */
  add(doctor: IndexedDoctor): void {
    this.#load(contentOf(doctor))
  }

  /** The same of the doctors of a page, as the loader reads them. */
  addPage(page: Buffer): void {
    for (let from = 0; from < page.length; ) {
      const end = page.indexOf(LINE_END, from)
      this.#load(contentOfLine(page, from, end))
      from = end + 1
    }
  }

  /** Builds the trees in slices of at most about 2 ms, so that the loader can yield to the event loop between them. */
  *finish(): Generator<void, void> {
    yield* this.#forest.build()
    this.#records.strays = 0
  }

  /** Takes the doctor in, or replaces what is held of them. False, without effect, if it is not newer than what is known. */
  upsert(doctor: IndexedDoctor): boolean {
    const slot = this.#records.ids.find(doctor.id)
    const known = slot < 0 ? this.#tombstones.versionOf(doctor.id) : this.#records.word(slot, VERSION)
    if (doctor.version <= known) return false
    if (slot < 0) this.#insert(doctor)
    else this.#replace(slot, doctor)
    return true
  }

  /** Takes the doctor out: inactive or gone since `version`. False, without effect, if that is not newer than what is known. */
  remove(id: string, version: number): boolean {
    const slot = this.#records.ids.find(id)
    const known = slot < 0 ? this.#tombstones.versionOf(id) : this.#records.word(slot, VERSION)
    if (version <= known) return false
    this.#tombstones.set(id, version)
    if (slot >= 0) this.#takeOut(slot, id)
    return true
  }

  /** Takes out a doctor whose row is gone, at whatever version. Should the row come back, it is news. */
  forget(id: string): void {
    this.#tombstones.delete(id)
    const slot = this.#records.ids.find(id)
    if (slot >= 0) this.#takeOut(slot, id)
  }

  /**
   * The answer's JSON in UTF-8: what `JSON.stringify` makes of the SearchAnswer that the SQL path gives. The bytes are good until the
   * next search: a Response made of them has its own copy at once, anyone else who keeps them must make one.
   */
  search(query: NearQuery): Uint8Array<ArrayBuffer> {
    return this.searchUntil(query, WITHOUT_PAUSE) as Uint8Array<ArrayBuffer>
  }

  /** The same if it ends before about the time on the clock of `performance.now()`; undefined if not. */
  searchUntil(query: NearQuery, untilMs: number): Uint8Array<ArrayBuffer> | undefined {
    this.#searcher.begin(query, query.page * query.limit, true)
    return this.#searcher.nearest.goOn(untilMs) ? this.#write(this.#searcher, query) : undefined
  }

  /**
   * The same, however long it takes, in slices: one such search at a time. Until it has ended nothing may be changed, and other searches may
   * be made. The bytes are the caller's own.
   */
  *searchSlowly(query: NearQuery, sliceMs = SLICE_MS): Generator<void, Uint8Array<ArrayBuffer>> {
    this.#slowSearcher.begin(query, query.page * query.limit, true)
    while (!this.#slowSearcher.nearest.goOn(performance.now() + sliceMs)) yield
    return this.#write(this.#slowSearcher, query).slice()
  }

  /** The search alone, without an answer, and if asked to without the total: what indexes of places can be compared with. */
  findNearest(query: NearQuery, counting: boolean): number {
    this.#searcher.begin(query, query.page * query.limit, counting)
    this.#searcher.nearest.goOn(WITHOUT_PAUSE)
    return this.#searcher.nearest.best.size
  }

  /** A bounded slice of quiet upkeep: tightens the tree, moves bytes together. Call it when idle. True while there is more to do. */
  maintain(budgetMs: number): boolean {
    const until = performance.now() + budgetMs
    while (this.#upkeep.step()) if (performance.now() >= until) return true
    return false
  }

  /** Gives the memory back, a megabyte or one column in each step: nothing can be asked of the index any more. */
  *release(): Generator<void, void> {
    yield* this.#records.release()
    yield* this.#forest.release()
  }

  /** Doctors held. */
  get size(): number {
    return this.#records.size
  }

  /** Bytes of memory held, all arrays included; while loading, those of the moment as well. */
  get bytes(): number {
    return this.#records.bytes + this.#forest.bytes
  }

  /** Over all doctors held, in any order: the sum of each one's {@link doctorChecksum}, modulo 2^64. Reads everyone: for tests and benchmarks. */
  checksum(): bigint {
    let sum = 0n
    for (const slot of this.#records.ids.slots()) sum += bytesChecksum(this.#records.json(slot), this.#records.word(slot, VERSION))
    return BigInt.asUintN(64, sum)
  }

  /** How far apart in memory doctors lie who are neighbours on the globe: what laying them by place makes small. For tests and benchmarks. */
  meanStride(): number {
    return meanStride(this.#forest.nodes, this.#forest.everyone, this.#records)
  }

  #write({ nearest }: Searcher, { page, limit, latitude, longitude }: NearQuery): Uint8Array<ArrayBuffer> {
    return this.#writer.write(nearest.best, (page - 1) * limit, page, limit, nearest.total.hits, latitude, longitude)
  }

  #load(content: Content): void {
    this.#count(content)
    this.#records.insert(content)
    this.#forest.load(content.latitude, content.longitude, content.specialization)
  }

  #insert(doctor: IndexedDoctor): void {
    const content = this.#count(contentOf(doctor))
    this.#forest.insert(this.#records.insert(content))
    this.#tombstones.delete(doctor.id)
  }

  #takeOut(slot: number, id: string): void {
    this.#forest.remove(slot)
    this.#release(slot)
    this.#records.delete(slot, id)
  }

  #replace(slot: number, doctor: IndexedDoctor): void {
    const content = this.#count(contentOf(doctor))
    const moves =
      content.latitude !== this.#records.real(slot, LATITUDE) ||
      content.longitude !== this.#records.real(slot, LONGITUDE) ||
      content.specialization !== this.#records.word(slot, SPECIALIZATION)
    if (moves) this.#forest.remove(slot)
    else if (content.fee !== this.#records.word(slot, FEE)) this.#forest.setFee(slot, content.fee)
    this.#release(slot)
    this.#records.replace(slot, content)
    if (moves) this.#forest.insert(slot)
  }

  /** Finds the numbers of the content's texts, and counts it among their uses. */
  #count(content: Content): Content {
    content.specialization = this.#specializations.take(content.specializationName)
    content.city = this.#cities.take(content.cityName)
    return content
  }

  /** What the doctor's present content counts for elsewhere. */
  #release(slot: number): void {
    this.#specializations.give(this.#records.word(slot, SPECIALIZATION))
    this.#cities.give(this.#records.city[slot] as number)
  }
}
