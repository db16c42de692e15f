/** The queues, and how jobs of each are retried and kept. One prefix a database log: two databases may share a Redis. */
import { type JobsOptions, Queue, type QueueOptions } from "bullmq"
import type { Redis } from "ioredis"

export const QUEUES = ["rollups", "schedules"] as const
export type QueueName = (typeof QUEUES)[number]

/** 1, 2, 4 and 8 s apart: longer than a restart of anything takes. */
const ATTEMPTS = 5
const FIRST_RETRY_MS = 1_000
/** Enough to see that all is well. */
const COMPLETED_KEPT = 50
/** For a person to look at and retry. */
const FAILED_KEPT = 1_000
const FAILED_KEPT_SECONDS = 14 * 86_400
/** BullMQ's own stream of events, which nobody here reads. */
const QUEUE_EVENTS_MAX = 100

export const JOB_OPTIONS: JobsOptions = {
  attempts: ATTEMPTS,
  backoff: { type: "exponential", delay: FIRST_RETRY_MS },
  removeOnComplete: { count: COMPLETED_KEPT },
  removeOnFail: { count: FAILED_KEPT, age: FAILED_KEPT_SECONDS },
}

export function queuePrefix(logId: string): string {
  return `pulsecal:jobs:${logId}`
}

/** A queue to add to and to look at. The connection stays the caller's. */
export function openQueue(name: QueueName, logId: string, connection: Redis): Queue {
  const options: QueueOptions = {
    connection,
    prefix: queuePrefix(logId),
    defaultJobOptions: JOB_OPTIONS,
    streams: { events: { maxLen: QUEUE_EVENTS_MAX } },
  }
  const queue = new Queue(name, options)
  // Each use handles its own failure; an event that nobody hears would end the process.
  queue.on("error", () => {})
  return queue
}
