import { z } from "zod"
import { AppointmentStatus } from "../events/catalog.ts"
import { EXAMPLES } from "../examples.ts"
import { idText, instantField, instantText, longText, uuid } from "../fields.ts"
import { cursorFields, cursorPageOf } from "../pages.ts"

export { AppointmentStatus }
export const AppointmentType = z.enum(["IN_PERSON", "TELEMEDICINE"])
export type AppointmentType = z.infer<typeof AppointmentType>

export const BookAppointment = z
  .strictObject({
    doctorId: uuid,
    scheduledAt: instantField.meta({ description: "The start of a free slot." }),
    reason: longText.nullish(),
    type: AppointmentType.default("IN_PERSON"),
    patientId: uuid.nullish().meta({ description: "For whom; only the front desk books for others." }),
  })
  .meta({
    id: "BookAppointment",
    examples: [{ doctorId: EXAMPLES.doctorId, scheduledAt: EXAMPLES.start, reason: "A cough that does not go away", type: "IN_PERSON" }],
  })
export type BookAppointment = z.infer<typeof BookAppointment>

export const ChangeAppointment = z
  .strictObject({ status: AppointmentStatus.optional(), scheduledAt: instantField.optional(), version: z.int().min(1).optional() })
  .refine((c) => (c.status === undefined) !== (c.scheduledAt === undefined), {
    path: ["status"],
    message: "give either status or scheduledAt",
  })
  .meta({
    id: "ChangeAppointment",
    description: "Either a new `status` or a new `scheduledAt`. With `version`, only if the appointment is still of that version.",
    examples: [{ status: "CONFIRMED", version: 1 }],
  })
export type ChangeAppointment = z.infer<typeof ChangeAppointment>

export const ListAppointments = z.object({
  status: AppointmentStatus.optional().meta({ example: "CONFIRMED" }),
  from: instantField.optional().meta({ description: "Not before this instant.", example: EXAMPLES.start }),
  to: instantField.optional().meta({ description: "Before this instant.", example: EXAMPLES.end }),
  ...cursorFields("appointments"),
})
export type ListAppointments = z.infer<typeof ListAppointments>

/** As its parties see it. */
export const Appointment = z
  .object({
    id: idText,
    doctorId: idText,
    doctorName: z.string(),
    patientId: idText,
    patientName: z.string(),
    clinicId: idText,
    scheduledAt: instantText,
    endsAt: instantText,
    status: AppointmentStatus,
    type: AppointmentType,
    reason: z.string().nullable(),
    version: z.int().min(1).meta({ description: "Grows with every change." }),
    createdAt: instantText,
    updatedAt: instantText,
  })
  .meta({
    id: "Appointment",
    examples: [
      {
        id: EXAMPLES.appointmentId,
        doctorId: EXAMPLES.doctorId,
        doctorName: "Dr. Ada Osei",
        patientId: EXAMPLES.patientId,
        patientName: "Pat Jones",
        clinicId: EXAMPLES.clinicId,
        scheduledAt: EXAMPLES.start,
        endsAt: EXAMPLES.end,
        status: "PENDING",
        type: "IN_PERSON",
        reason: "A cough that does not go away",
        version: 1,
        createdAt: EXAMPLES.madeAt,
        updatedAt: EXAMPLES.madeAt,
      },
    ],
  })
export type Appointment = z.infer<typeof Appointment>

export const AppointmentPage = cursorPageOf("AppointmentPage", Appointment)
export type AppointmentPage = z.infer<typeof AppointmentPage>
