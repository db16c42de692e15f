import { Histogram } from "prom-client"
import type { Metrics } from "./metrics.ts"

export type JobOutcome = "completed" | "failed"
export type ObserveJob = (name: string, seconds: number, outcome: JobOutcome) => void

/** Jobs are background work: from milliseconds up to the minutes of a nightly one. */
const JOB_BUCKETS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
/** Far more jobs than there are. Names come from the source; one that would not ends in a value of its own. */
const NAMES_MAX = 64
const OTHER_NAME = "_OTHER"

/** Durations, and with them counts, by outcome: each attempt is one. */
export function measureJobs(metrics: Metrics): ObserveJob {
  const duration = new Histogram({
    name: "pulsecal_job_duration_seconds",
    help: "Duration of jobs, each attempt for itself",
    labelNames: ["job", "outcome"] as const,
    buckets: JOB_BUCKETS_S,
    registers: [metrics.registry],
  })
  const names = new Set<string>()
  return (name, seconds, outcome) => {
    if (names.size < NAMES_MAX) names.add(name)
    duration.observe({ job: names.has(name) ? name : OTHER_NAME, outcome }, seconds)
  }
}
