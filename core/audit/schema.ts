import { z } from "zod"
import { Role } from "../auth/principal.ts"
import { EXAMPLES } from "../examples.ts"
import { idText, instantText } from "../fields.ts"
import { cursorPageOf, numberedCursorFields } from "../pages.ts"
import { ACTIONS, OUTCOMES, RESOURCES, UNSIGNED } from "./entry.ts"

export const ListAccess = z.object(numberedCursorFields("accesses"))
export type ListAccess = z.infer<typeof ListAccess>

export const AccessView = z
  .object({
    at: instantText,
    actorRole: z
      .enum([...Role.options, ...UNSIGNED])
      .nullable()
      .meta({
        description: "SYSTEM: PulseCal of itself; OPERATOR: who runs it; null: someone without a profile, or without a valid token.",
      }),
    actorName: z.string().nullable().meta({ description: "Of those who act for a clinic, and of the caller; null for anybody else." }),
    action: z.enum(ACTIONS),
    resource: z.enum(RESOURCES).meta({
      description: "socket: a live connection of the caller's own was opened, over which its events are heard until it closes.",
    }),
    resourceId: idText.nullable().meta({ description: "Null when it was more than one of the caller's." }),
    outcome: z.enum(OUTCOMES).meta({
      description: "DONE, REPLAYED (the first answer again), FAILED (on our side), or why it was refused: LIMITED, as one call too many.",
    }),
  })
  .meta({
    id: "AuditEntry",
    examples: [
      {
        at: EXAMPLES.changedAt,
        actorRole: "DOCTOR",
        actorName: "Dr. Ada Osei",
        action: "READ",
        resource: "appointment",
        resourceId: EXAMPLES.appointmentId,
        outcome: "DONE",
      },
    ],
  })
export type AccessView = z.infer<typeof AccessView>

export const AccessPage = cursorPageOf("AuditPage", AccessView)
export type AccessPage = z.infer<typeof AccessPage>
