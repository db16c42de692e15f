/** Makes a job for each doctor whose rollups are due. The rows of work are the truth: what is lost here the sweep finds. */
import type { Queue } from "bullmq"
import type { Redis } from "ioredis"
import type { Log } from "../core/log.ts"
import { openQueue } from "./queues.ts"

/** One pipeline. */
const BATCH_JOBS = 200
/** More are left to the sweep. */
const WAITING_MAX = 20_000

export type DispatchOptions = { redis: Redis; log: Log; logId: string }

export class Dispatch {
  readonly #waiting = new Set<string>()
  #queue: Queue | undefined
  #flushing: Promise<void> | undefined
  #failing = false
  #closed = false

  constructor(private readonly options: DispatchOptions) {}

  /** Returns at once; never throws. */
  add(doctorIds: readonly string[]): void {
    if (this.#closed) return
    for (const id of doctorIds) if (this.#waiting.size < WAITING_MAX) this.#waiting.add(id)
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#flushing
    await this.#forgetQueue()
  }

  async #flush(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#closed) {
      const batch = [...this.#waiting.values().take(BATCH_JOBS)]
      for (const id of batch) this.#waiting.delete(id)
      try {
        if (this.options.redis.status !== "ready") throw new Error("Redis is away")
        this.#queue ??= openQueue("rollups", this.options.logId, this.options.redis)
        await this.#queue.addBulk(batch.map(rollupJob))
        this.#failing = false
      } catch (error) {
        if (!this.#failing) this.options.log.warn({ err: error }, "jobs cannot be made; their work is kept and found by the sweep")
        this.#failing = true
        this.#waiting.clear()
        // One whose first words with Redis failed stays broken for good.
        await this.#forgetQueue()
      }
    }
  }

  async #forgetQueue(): Promise<void> {
    const queue = this.#queue
    this.#queue = undefined
    await queue?.close().catch(() => {})
  }
}

/** However often it is asked for: one that waits, and while one runs, one after it. */
function rollupJob(doctorId: string) {
  return { name: "recompute-rollups", data: { doctorId }, opts: { deduplication: { id: doctorId, keepLastIfActive: true } } }
}
