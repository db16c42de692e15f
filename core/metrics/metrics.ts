/**
 * What a process measures, as Prometheus text on its private port. Names and labels follow OpenTelemetry's semantic conventions, written
 * as its mapping to Prometheus has them: dots become underscores and the unit ends the name. What the conventions have no name for begins
 * with `pulsecal_`.
 *
 * A label's values come from sets that stand in the source: nothing that a caller sends becomes one.
 */
import { Gauge, Registry } from "prom-client"

export type ProcessName = "api" | "worker" | "realtime"

/** A reading that takes longer is left out of the scrape; Prometheus itself waits 10 s. */
const READING_TIMEOUT_MS = 2_000

/** The recommended buckets of request durations, in seconds. */
export const REQUEST_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Reads something at the moment of a scrape and sets gauges. */
export type Reading = {
  read: () => Promise<void> | void
  /** When it fails: what was read before must not be taken for the present. */
  forget: () => void
}

export class Metrics {
  /** Of its own for each: tests run several processes in one. */
  readonly registry = new Registry()
  readonly #readings: Reading[] = []
  #scrape: Promise<string> | undefined

  constructor(process_: ProcessName, version: string) {
    const labels = { service_name: `pulsecal-${process_}`, service_version: version }
    new Gauge({ name: "target_info", help: "What is measured here", labelNames: Object.keys(labels), registers: [this.registry] }).set(
      labels,
      1,
    )
  }

  onScrape(reading: Reading): void {
    this.#readings.push(reading)
  }

  /** All of it. Those who ask at one time share an answer, so asking often costs no more than asking again and again. */
  text(): Promise<string> {
    this.#scrape ??= this.#read().finally(() => {
      this.#scrape = undefined
    })
    return this.#scrape
  }

  async #read(): Promise<string> {
    await Promise.all(this.#readings.map(attempt))
    return await this.registry.metrics()
  }
}

async function attempt({ read, forget }: Reading): Promise<void> {
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("too late")), READING_TIMEOUT_MS)
  })
  try {
    await Promise.race([read(), late])
  } catch {
    // What could not be read is missing from the text, which is what alerts look for.
    forget()
  } finally {
    clearTimeout(timer)
  }
}
