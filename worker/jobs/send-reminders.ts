import { sendReminders } from "../../core/appointments/clock/remind.ts"
import type { JobContext } from "../registry.ts"

export async function remind({ pool, log, published }: JobContext): Promise<void> {
  const sent = await sendReminders(pool, Date.now())
  if (sent > 0) log.info({ sent }, "reminders are sent")
  published()
}
