import { z } from "zod"
import { EXAMPLES } from "../examples.ts"
import { idText, instantText, uuid } from "../fields.ts"

export const PRIORITY_MAX = 9
/** More patients than one doctor's waiting list can ever have. */
const POSITION_MAX = 10_000

export const QueueQuery = z.object({
  clinicId: uuid.optional().meta({ description: "The caller's own clinic, which is the default.", example: EXAMPLES.clinicId }),
})
export type QueueQuery = z.infer<typeof QueueQuery>

export const CallNext = z.strictObject({ doctorId: uuid }).meta({ id: "CallNext", examples: [{ doctorId: EXAMPLES.doctorId }] })
export type CallNext = z.infer<typeof CallNext>

export const ReorderEntry = z
  .strictObject({ priority: z.int().min(0).max(PRIORITY_MAX).optional(), position: z.int().min(1).max(POSITION_MAX).optional() })
  .refine((change) => change.priority !== undefined || change.position !== undefined, {
    path: ["position"],
    message: "or priority is required",
  })
  .meta({ id: "ReorderEntry", description: "A priority, a place within it, or both.", examples: [{ priority: 5 }] })
export type ReorderEntry = z.infer<typeof ReorderEntry>

const entryFields = {
  appointmentId: idText,
  patientName: z.string(),
  doctorId: idText,
  scheduledAt: instantText,
  checkedInAt: instantText,
  priority: z.int().min(0).max(PRIORITY_MAX).meta({ description: "Higher goes first." }),
}
const EXAMPLE_ENTRY = {
  appointmentId: EXAMPLES.appointmentId,
  patientName: "Pat Jones",
  doctorId: EXAMPLES.doctorId,
  scheduledAt: EXAMPLES.start,
  checkedInAt: EXAMPLES.changedAt,
  priority: 0,
}
const EXAMPLE_WAITING = { position: 1, ...EXAMPLE_ENTRY, estimatedStart: EXAMPLES.start }

export const WaitingEntry = z
  .object({
    position: z.int().min(1).meta({ description: "Counts within the doctor, from 1." }),
    ...entryFields,
    estimatedStart: instantText.meta({ description: "From the lengths of the doctor's recent visits." }),
  })
  .meta({ id: "WaitingEntry", examples: [EXAMPLE_WAITING] })
export type WaitingEntry = z.infer<typeof WaitingEntry>

const StartedEntry = z
  .object({ ...entryFields, startedAt: instantText })
  .meta({ id: "StartedEntry", examples: [{ ...EXAMPLE_ENTRY, startedAt: EXAMPLES.start }] })
export type StartedEntry = z.infer<typeof StartedEntry>

export const Queue = z
  .object({ clinicId: idText, updatedAt: instantText, inProgress: z.array(StartedEntry), waiting: z.array(WaitingEntry) })
  .meta({
    id: "Queue",
    examples: [{ clinicId: EXAMPLES.clinicId, updatedAt: EXAMPLES.changedAt, inProgress: [], waiting: [EXAMPLE_WAITING] }],
  })
export type Queue = z.infer<typeof Queue>
