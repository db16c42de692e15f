/** How many calls an API process lets in, and how many it has. */
import { Gauge } from "prom-client"
import type { Metrics } from "./metrics.ts"

export type AdmissionFigures = {
  readonly serving: number
  /** Still sending their bodies. */
  readonly receiving: number
  /** Now: it falls when calls would wait too long, and rises again. */
  readonly bound: number
}

export function measureAdmission(metrics: Metrics, admission: AdmissionFigures): void {
  const registers = [metrics.registry]
  const calls = new Gauge({ name: "pulsecal_admission_calls", help: "Calls that are served and not yet answered", registers })
  const receiving = new Gauge({ name: "pulsecal_admission_receiving", help: "Calls whose bodies are still being sent", registers })
  const max = new Gauge({ name: "pulsecal_admission_max", help: "Calls that are served at once; others are refused", registers })
  metrics.onScrape({
    read() {
      calls.set(admission.serving)
      receiving.set(admission.receiving)
      max.set(admission.bound)
    },
    forget() {},
  })
}
