/** Every job there is, and what does it. */
import type { Pool } from "../core/db.ts"
import type { Log } from "../core/log.ts"
import type { ObserveJob } from "../core/metrics/jobs.ts"
import { analyzeTables } from "./jobs/analyze-tables.ts"
import { deleteOldRows } from "./jobs/delete-old-rows.ts"
import { dropOldAudit } from "./jobs/drop-old-audit.ts"
import { dropOldEvents } from "./jobs/drop-old-events.ts"
import { endQueueDays } from "./jobs/end-queue-days.ts"
import { makeEventPartitions } from "./jobs/make-event-partitions.ts"
import { markMissed } from "./jobs/mark-no-shows.ts"
import { recompute } from "./jobs/recompute-rollups.ts"
import { remind } from "./jobs/send-reminders.ts"
import { tellWaiting } from "./jobs/tell-waiting.ts"
import { verify } from "./jobs/verify-rollups.ts"

/** What a job works with. */
export type JobContext = {
  pool: Pool
  log: Log
  noShowAfterMinutes: number
  retentionDays: number
  auditRetentionDays: number
  /** Called after what may have announced events. */
  published: () => void
  /** Told of every attempt; undefined: nobody measures. */
  observeJob?: ObserveJob
}

export type Handler = (context: JobContext, data: unknown) => Promise<void>

export const handlers = {
  "recompute-rollups": recompute,
  "verify-rollups": verify,
  "mark-no-shows": markMissed,
  "send-reminders": remind,
  "end-queue-days": endQueueDays,
  "tell-waiting": tellWaiting,
  "delete-old-rows": deleteOldRows,
  "make-event-partitions": makeEventPartitions,
  "drop-old-events": dropOldEvents,
  "drop-old-audit": dropOldAudit,
  "analyze-tables": analyzeTables,
} as const satisfies Record<string, Handler>

export type JobName = keyof typeof handlers

export function isJobName(name: string): name is JobName {
  return Object.hasOwn(handlers, name)
}
