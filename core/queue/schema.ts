import { z } from "zod"
import { uuid } from "../fields.ts"

/** Compared with the ids of rows, which are in lower case. */
const rowId = uuid.transform((id) => id.toLowerCase())

export const PRIORITY_MAX = 9
/** More patients than one doctor's waiting list can ever have. */
const POSITION_MAX = 10_000

export const QueueQuery = z.object({ clinicId: rowId.optional().meta({ description: "The caller's own clinic, which is the default." }) })
export type QueueQuery = z.infer<typeof QueueQuery>

export const CallNext = z.strictObject({ doctorId: rowId })
export type CallNext = z.infer<typeof CallNext>

export const ReorderEntry = z
  .strictObject({ priority: z.int().min(0).max(PRIORITY_MAX).optional(), position: z.int().min(1).max(POSITION_MAX).optional() })
  .refine((change) => change.priority !== undefined || change.position !== undefined, {
    path: ["position"],
    message: "or priority is required",
  })
export type ReorderEntry = z.infer<typeof ReorderEntry>

type Entry = { appointmentId: string; patientName: string; doctorId: string; scheduledAt: string; checkedInAt: string; priority: number }
/** `position` counts within the doctor, from 1. */
export type WaitingEntry = Entry & { position: number; estimatedStart: string }
export type StartedEntry = Entry & { startedAt: string }

export type Queue = { clinicId: string; updatedAt: string; inProgress: StartedEntry[]; waiting: WaitingEntry[] }
