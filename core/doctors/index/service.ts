/** The doctor index of one API process: loaded, kept up to date, kept within its bound, or not there and said so. */
import type { Redis } from "ioredis"
import type { Pool } from "../../db.ts"
import type { LogState } from "../../events/queries.ts"
import type { SearchIndexState } from "../../health.ts"
import type { Log } from "../../log.ts"
import { type AnswerBounds, answeringPool } from "../../pg-silence.ts"
import { sleep } from "../../time.ts"
import { planSearch } from "../search/plan.ts"
import type { SearchQuery } from "../search/schema.ts"
import type { DoctorIndex } from "./doctor-index.ts"
import { followIndex } from "./follow.ts"
import { loadIndex, TooLarge } from "./load.ts"
import { LOAD_TIMEOUT_MS } from "./queries.ts"
import { releaseIndex } from "./release.ts"
import { SlowSearches } from "./slow-searches.ts"

const BYTES_PER_MB = 1024 * 1024
/** Each longer than what the server allows the statement: five seconds for the way. */
const ANSWER_BOUNDS = { queryMs: 15_000, transactionQueryMs: LOAD_TIMEOUT_MS + 5_000 }
/** Between two tries to load: a load is work for the database. */
const RELOAD_PAUSE_MS = 500
/** Upkeep takes at most about this long at a time, and so often: a tenth of the process, while there is any. */
const UPKEEP_MS = 1
const UPKEEP_PAUSE_MS = 10

/** A search that takes longer than this goes on in slices. */
const AT_ONCE_MS = 2

/** An answer's JSON in UTF-8. Undefined: SQL has to serve. */
type Found = Uint8Array<ArrayBuffer> | undefined

/** What routes and health see of the index. */
export type SearchIndex = {
  readonly state: SearchIndexState
  /** At once, and good until the next search; or what finds it, where that takes longer. */
  search(query: SearchQuery): Found | (() => Promise<Found>)
}

export type SearchIndexOptions = {
  /** 0: there is no index, and nothing is opened. */
  maxMb: number
  log: Log
  /** A pool of one connection, for loading and for what changed. */
  openPool: () => Pool
  /** A connection that waits in XREAD. */
  openRedis: () => Redis
  /** What is not answered by then has lost its connection. */
  answerBounds?: AnswerBounds
}

export class SearchIndexService implements SearchIndex {
  state: SearchIndexState
  /** Every event up to here is in the index; undefined while there is none. */
  offset: number | undefined
  /** How long the last loading took, in seconds. */
  loadSeconds: number | undefined
  #index: DoctorIndex | undefined
  #running: Promise<void> | undefined
  #upkeep: Timer | undefined
  readonly #slowSearches = new SlowSearches()
  readonly #stop = new AbortController()

  constructor(private readonly options: SearchIndexOptions) {
    this.state = options.maxMb === 0 ? "off" : "loading"
  }

  get doctors(): number {
    return this.#index?.size ?? 0
  }

  get bytes(): number {
    return this.#index?.bytes ?? 0
  }

  get slowSearches(): number {
    return this.#slowSearches.count
  }

  /** Of the doctors held; undefined while there is no index. */
  checksum(): bigint | undefined {
    return this.#index?.checksum()
  }

  search(query: SearchQuery): Found | (() => Promise<Found>) {
    const plan = planSearch(query, this.#index !== undefined)
    if (plan.path !== "index" || !this.#index) return undefined
    const found = this.#index.searchUntil(plan.near, performance.now() + AT_ONCE_MS)
    if (found || !this.#slowSearches.hasRoom) return found
    return () => this.#slowSearches.search(() => this.#index, plan.near)
  }

  /** Begins to load, unless it is off. The database must be migrated. */
  start(): void {
    if (this.state !== "off") this.#running ??= this.#openAndRun()
  }

  /** Ends at once, whatever it is at. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
    this.#drop("off")
  }

  async #openAndRun(): Promise<void> {
    const { openPool, openRedis, answerBounds = ANSWER_BOUNDS } = this.options
    const [pool, redis] = [answeringPool(openPool, answerBounds), openRedis()]
    // A blocked XREAD would keep us for a second.
    this.#stop.signal.addEventListener("abort", () => redis.disconnect())
    await this.#run(pool, redis, this.#stop.signal)
    redis.disconnect()
    // It only reads: there is nothing to wait for.
    await pool.end({ timeout: 0 })
  }

  /** Until the signal aborts, or the index is too large. Never throws. */
  async #run(pool: Pool, redis: Redis, signal: AbortSignal): Promise<void> {
    let failing = false
    while (!signal.aborted) {
      try {
        await this.#loadAndFollow(pool, redis, signal)
        failing = false
      } catch (error) {
        if (error instanceof TooLarge) return await this.#giveUp(error, signal)
        if (!failing && !signal.aborted)
          this.options.log.warn({ err: error }, "the search index cannot be loaded; trying until it can, SQL serves meanwhile")
        failing = true
      }
      const dropped = this.#drop("loading")
      await Promise.all([dropped && this.#release(dropped, signal), sleep(RELOAD_PAUSE_MS, signal)])
    }
  }

  /** Returns when the index has to be loaded again, or the signal aborts. */
  async #loadAndFollow(pool: Pool, redis: Redis, signal: AbortSignal): Promise<void> {
    const { log } = this.options
    const startedAt = performance.now()
    const { index, log: from } = await loadIndex({ pool, maxBytes: this.#maxBytes, signal })
    this.#serve(index, from, (performance.now() - startedAt) / 1000)
    const onRead = (offset: number, changed: boolean) => {
      this.offset = offset
      if (!changed) return
      this.#requireRoom(index)
      this.#tidySoon(index)
    }
    await followIndex({ index, pool, redis, log, from, signal, slowSearches: this.#slowSearches, onRead })
  }

  #serve(index: DoctorIndex, { head }: LogState, seconds: number): void {
    this.#index = index
    this.offset = head
    this.loadSeconds = seconds
    this.state = "ready"
    const mb = Math.round(index.bytes / BYTES_PER_MB)
    this.options.log.info(
      { doctors: index.size, mb, offset: head, seconds: Math.round(seconds * 1000) / 1000 },
      "the search index is ready",
    )
    this.#tidySoon(index)
  }

  /** What served until then, if anything did. */
  #drop(state: SearchIndexState): DoctorIndex | undefined {
    const index = this.#index
    clearTimeout(this.#upkeep)
    this.#upkeep = undefined
    this.#index = undefined
    this.offset = undefined
    this.state = state
    return index
  }

  /** Once no search goes on in it. */
  async #release(index: DoctorIndex, signal: AbortSignal): Promise<void> {
    await this.#slowSearches.untilNone()
    await releaseIndex(index, signal)
  }

  async #giveUp(error: TooLarge, signal: AbortSignal): Promise<void> {
    const dropped = this.#drop("too_large")
    this.options.log.warn(
      { err: error, maxMb: this.options.maxMb },
      "the search index is larger than SEARCH_INDEX_MAX_MB; SQL serves instead",
    )
    if (dropped) await this.#release(dropped, signal)
  }

  get #maxBytes(): number {
    return this.options.maxMb * BYTES_PER_MB
  }

  #requireRoom(index: DoctorIndex): void {
    if (index.bytes > this.#maxBytes) throw new TooLarge(`more than ${this.#maxBytes} bytes for ${index.size} doctors`)
  }

  #tidySoon(index: DoctorIndex): void {
    this.#upkeep ??= setTimeout(() => this.#tidy(index), UPKEEP_PAUSE_MS)
  }

  /** Where one slow search comes after the other, between two of them: whoever waits for that goes before the next one. */
  async #tidy(index: DoctorIndex): Promise<void> {
    await this.#slowSearches.untilNone()
    if (this.#index !== index) return
    this.#upkeep = undefined
    if (index.maintain(UPKEEP_MS)) this.#tidySoon(index)
  }
}
