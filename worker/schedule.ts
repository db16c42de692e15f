/** Every cron there is. */
import type { JobSchedulerJson, Queue } from "bullmq"
import { JOB_OPTIONS } from "./queues.ts"
import type { JobName } from "./registry.ts"

const MINUTE_MS = 60_000

export type Schedule = { job: JobName; what: string } & ({ everyMs: number } | { cron: string })

/** Cron patterns are in UTC; each stands at a minute of its own. */
export const SCHEDULES: readonly Schedule[] = [
  { job: "send-reminders", what: "reminds patients 24 h and 1 h before a confirmed visit", everyMs: MINUTE_MS },
  { job: "mark-no-shows", what: "marks confirmed visits that nobody came to", everyMs: 5 * MINUTE_MS },
  { job: "end-queue-days", what: "tells clinics whose day has ended that their queue is empty", everyMs: MINUTE_MS },
  { job: "tell-waiting", what: "tells waiting patients again whose expected turn has drifted by 5 minutes", everyMs: MINUTE_MS },
  { job: "delete-old-rows", what: "deletes idempotency keys and reminders that are no longer kept", cron: "17 * * * *" },
  { job: "make-event-partitions", what: "makes the event log's next partition before it is needed", everyMs: MINUTE_MS },
  { job: "drop-old-events", what: "drops the oldest part of the event log when all of it is older than it is kept", cron: "53 * * * *" },
  { job: "drop-old-audit", what: "drops the oldest part of the audit log when all of it is older than it is kept", cron: "29 4 * * *" },
  { job: "analyze-tables", what: "refreshes the planner's statistics of hot tables", cron: "41 2 * * *" },
  { job: "verify-rollups", what: "computes the last 35 days of every doctor again and mends differences", cron: "7 3 * * *" },
]

/** How often schedules are looked after: what a wiped Redis forgot is back within this. */
export const KEEP_SCHEDULES_MS = MINUTE_MS
/** A run that is later than this is not late: its job is gone. */
const LOST_AFTER_MS = 2 * MINUTE_MS

/**
 * Makes the schedules that Redis lacks, has otherwise or has lost the next job of, and removes those that are no more. One that stands
 * is left alone: to make it anew at the moment when it is due would skip a run.
 */
export async function keepSchedules(queue: Queue): Promise<void> {
  const found = new Map((await queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]))
  for (const schedule of SCHEDULES) {
    const scheduler = found.get(schedule.job)
    found.delete(schedule.job)
    if (scheduler && stands(schedule, scheduler, Date.now())) continue
    const repeat = "cron" in schedule ? { pattern: schedule.cron, tz: "UTC" } : { every: schedule.everyMs }
    await queue.upsertJobScheduler(schedule.job, repeat, { name: schedule.job, data: {}, opts: JOB_OPTIONS })
  }
  for (const key of found.keys()) await queue.removeJobScheduler(key)
}

function stands(schedule: Schedule, scheduler: JobSchedulerJson, now: number): boolean {
  const same = "cron" in schedule ? scheduler.pattern === schedule.cron : Number(scheduler.every) === schedule.everyMs
  return same && (scheduler.next ?? 0) > now - LOST_AFTER_MS
}
