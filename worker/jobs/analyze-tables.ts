import { analyzeHotTables } from "../../core/upkeep/queries.ts"
import type { JobContext } from "../registry.ts"

export async function analyzeTables({ pool }: JobContext): Promise<void> {
  await analyzeHotTables(pool)
}
