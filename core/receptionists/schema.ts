import { z } from "zod"
import { Appointment } from "../appointments/schema.ts"
import { ReceptionistStatus } from "../auth/principal.ts"
import { EXAMPLES } from "../examples.ts"
import { dayText, idText, instantText, text, uuid } from "../fields.ts"
import { listingOf, pageFields, requireShallow } from "../pages.ts"

export const LinkReceptionist = z
  .strictObject({
    clinicId: uuid,
    verificationCode: text.nullish().meta({ description: "The clinic's; without it a doctor of the clinic decides." }),
    name: text.nullish(),
  })
  .meta({ id: "LinkReceptionist", examples: [{ clinicId: EXAMPLES.clinicId, name: "Rae Kim" }] })
export type LinkReceptionist = z.infer<typeof LinkReceptionist>

/** PENDING is where one begins; nobody is sent back there. */
export const DecideReceptionist = z
  .strictObject({ status: z.enum(["ACTIVE", "REJECTED", "REVOKED"]) })
  .meta({ id: "DecideReceptionist", examples: [{ status: "ACTIVE" }] })
export type DecideReceptionist = z.infer<typeof DecideReceptionist>

export const ListReceptionists = z.object(pageFields).superRefine(requireShallow)
export type ListReceptionists = z.infer<typeof ListReceptionists>

const EXAMPLE_LINK = { id: EXAMPLES.receptionistId, clinicId: EXAMPLES.clinicId, status: "PENDING" }

export const ReceptionistLink = z
  .object({ id: idText, clinicId: idText, status: ReceptionistStatus })
  .meta({ id: "ReceptionistLink", examples: [EXAMPLE_LINK] })
export type ReceptionistLink = z.infer<typeof ReceptionistLink>

/** As they see themselves. */
export const ReceptionistProfile = z
  .object({ ...ReceptionistLink.shape, name: z.string().nullable() })
  .meta({ id: "ReceptionistProfile", examples: [{ ...EXAMPLE_LINK, name: "Rae Kim" }] })
export type ReceptionistProfile = z.infer<typeof ReceptionistProfile>

/** As their clinic lists them. */
export const ReceptionistListing = z
  .object({ ...ReceptionistProfile.shape, createdAt: instantText })
  .meta({ id: "Receptionist", examples: [{ ...EXAMPLE_LINK, name: "Rae Kim", createdAt: EXAMPLES.madeAt }] })
export type ReceptionistListing = z.infer<typeof ReceptionistListing>

export const ReceptionistPage = listingOf("ReceptionistPage", ReceptionistListing)

const count = z.int().min(0)

/** A day at the desk. */
export const DeskStats = z
  .object({
    date: dayText,
    clinicId: idText,
    totalBooked: count.meta({ description: "All but REJECTED." }),
    completed: count,
    waiting: count,
    inProgress: count,
    cancelled: count,
    noShow: count,
    appointments: z.array(Appointment).readonly(),
  })
  .meta({
    id: "DeskStats",
    description: "Today at the clinic, in its zone.",
    examples: [
      {
        date: EXAMPLES.day,
        clinicId: EXAMPLES.clinicId,
        totalBooked: 1,
        completed: 0,
        waiting: 0,
        inProgress: 0,
        cancelled: 0,
        noShow: 0,
        appointments: Appointment.meta()?.examples,
      },
    ],
  })
export type DeskStats = z.infer<typeof DeskStats>
