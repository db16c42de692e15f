/** What became of the requests: how many ended how, and how long they took. */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks"

/** Ten minutes in microseconds: nothing is waited for that long. */
const HIGHEST_US = 600_000_000
/** Of every value, so that a millisecond is told from 1.001. */
const FIGURES = 3
/** Statuses are few; names of errors might not be. */
const OUTCOMES_MAX = 40
const PERCENTILES = [50, 90, 99, 99.9]

/** The runtime's own HDR histograms (hdrhistogram.org): a fixed size, however many values. */
const histogram = () => createHistogram({ lowest: 1, highest: HIGHEST_US, figures: FIGURES })

export class Tally {
  readonly #latency = histogram()
  readonly #lateness = histogram()
  readonly outcomes = new Map<string, number>()

  /** How late it was sent. */
  sent(lateMs: number): void {
    record(this.#lateness, lateMs)
  }

  /** How it ended, and how long after it was due. */
  ended(outcome: string, ms: number): void {
    const name = this.outcomes.has(outcome) || this.outcomes.size < OUTCOMES_MAX ? outcome : "other"
    this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + 1)
    record(this.#latency, ms)
  }

  get count(): number {
    return this.#latency.count
  }

  get succeeded(): number {
    return this.outcomes.get("200") ?? 0
  }

  /** Milliseconds from when it was due, however it ended. */
  latencyMs(percentile: number): number {
    return this.#latency.percentile(percentile) / 1000
  }

  get latencyMaxMs(): number {
    return this.#latency.max / 1000
  }

  lines(asked: { perSecond: number; seconds: number }, tookMs: number): string[] {
    const reached = (this.succeeded / Math.max(tookMs / 1000, asked.seconds)).toFixed(1)
    const outcomes = [...this.outcomes].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name}: ${count.toLocaleString("en")}`)
    const latencies = PERCENTILES.map((p) => `p${p} ${this.latencyMs(p).toFixed(2)}`)
    const lateness = `${(this.#lateness.percentile(50) / 1000).toFixed(2)} / ${(this.#lateness.percentile(99) / 1000).toFixed(2)}`
    return [
      `${asked.perSecond} searches a second for ${asked.seconds} s were asked for; ${reached} a second were answered with 200.`,
      `Answers: ${outcomes.join(", ") || "none"}`,
      `Milliseconds from when each was due: ${latencies.join(", ")}, max ${this.latencyMaxMs.toFixed(2)}`,
      `Sent late by p50 / p99 ms: ${lateness} (it is in the figures above)`,
    ]
  }
}

function record(into: RecordableHistogram, ms: number): void {
  into.record(Math.min(HIGHEST_US, Math.max(1, Math.round(ms * 1000))))
}
