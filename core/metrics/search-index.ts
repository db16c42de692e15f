/** The doctor index of an API process. */
import { Counter, Gauge } from "prom-client"
import type { SearchIndexState } from "../health.ts"
import type { Metrics } from "./metrics.ts"

const STATES: readonly SearchIndexState[] = ["off", "loading", "ready", "too_large"]

export type SearchIndexFigures = {
  readonly state: SearchIndexState
  readonly doctors: number
  readonly bytes: number
  /** Of the last loading; undefined: there was none yet. */
  readonly loadSeconds: number | undefined
  /** That were not over at once and went on in slices. */
  readonly slowSearches: number
}

export function measureSearchIndex(metrics: Metrics, index: SearchIndexFigures): void {
  const registers = [metrics.registry]
  const state = new Gauge({
    name: "pulsecal_search_index_state",
    help: "1 for the state that the doctor index is in; SQL serves in all but ready",
    labelNames: ["state"] as const,
    registers,
  })
  const doctors = new Gauge({ name: "pulsecal_search_index_doctors", help: "Doctors in the index", registers })
  const bytes = new Gauge({ name: "pulsecal_search_index_bytes", help: "Memory that the index takes", registers })
  const load = new Gauge({ name: "pulsecal_search_index_load_seconds", help: "How long the last loading took", registers })
  const slow = new Counter({ name: "pulsecal_search_index_slow_searches_total", help: "Searches that went on in slices", registers })
  load.remove()
  metrics.onScrape({
    read() {
      for (const each of STATES) state.set({ state: each }, index.state === each ? 1 : 0)
      doctors.set(index.doctors)
      bytes.set(index.bytes)
      slow.reset()
      slow.inc(index.slowSearches)
      if (index.loadSeconds !== undefined) load.set(index.loadSeconds)
    },
    forget() {},
  })
}
