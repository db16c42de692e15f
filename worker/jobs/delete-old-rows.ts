import { deleteOld } from "../../core/upkeep/retain.ts"
import type { JobContext } from "../registry.ts"

export async function deleteOldRows({ pool, log }: JobContext): Promise<void> {
  const deleted = await deleteOld(pool, Date.now())
  if (Object.values(deleted).some((count) => count > 0)) log.info(deleted, "what is no longer kept is deleted")
}
