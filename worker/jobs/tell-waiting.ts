import { tellDrifted } from "../../core/queue/drift.ts"
import type { JobContext } from "../registry.ts"

export async function tellWaiting({ pool, log, published }: JobContext): Promise<void> {
  const told = await tellDrifted(pool)
  if (told === 0) return
  log.info({ told }, "patients are told again when their turn is expected")
  published()
}
