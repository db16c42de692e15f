import { z } from "zod"
import type { ReceptionistStatus } from "../auth/principal.ts"
import { text, uuid } from "../fields.ts"
import { pageFields, requireShallow } from "../pages.ts"

export const LinkReceptionist = z.strictObject({ clinicId: uuid, verificationCode: text.nullish(), name: text.nullish() })
export type LinkReceptionist = z.infer<typeof LinkReceptionist>

/** PENDING is where one begins; nobody is sent back there. */
export const DecideReceptionist = z.strictObject({ status: z.enum(["ACTIVE", "REJECTED", "REVOKED"]) })
export type DecideReceptionist = z.infer<typeof DecideReceptionist>

export const ListReceptionists = z.object(pageFields).superRefine(requireShallow)
export type ListReceptionists = z.infer<typeof ListReceptionists>

/** As they and everybody else see them in `GET /me`. */
export type ReceptionistProfile = { id: string; clinicId: string; name: string | null; status: ReceptionistStatus }
/** As their clinic lists them. */
export type ReceptionistListing = ReceptionistProfile & { createdAt: string }
export type ReceptionistLink = Pick<ReceptionistProfile, "id" | "clinicId" | "status">
