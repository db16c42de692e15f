import { Counter } from "prom-client"
import type { SealFailure } from "../audit/seal.ts"
import type { Metrics } from "./metrics.ts"

export type ObserveSealFailure = (why: SealFailure) => void

export function measureSealing(metrics: Metrics): ObserveSealFailure {
  const failures = new Counter({
    name: "pulsecal_audit_seal_failures_total",
    help: "Turns of the audit's sealer that failed: the database could not be reached, or refused it",
    labelNames: ["reason"] as const,
    registers: [metrics.registry],
  })
  // There from the beginning, so that the first one shows as a rise.
  for (const reason of ["unavailable", "refused"] as const) failures.inc({ reason }, 0)
  return (reason) => failures.inc({ reason })
}
