import { z } from "zod"
import { AppointmentStatus } from "../events/catalog.ts"
import { instantField, longText, uuid } from "../fields.ts"

export { AppointmentStatus }
export const AppointmentType = z.enum(["IN_PERSON", "TELEMEDICINE"])
export type AppointmentType = z.infer<typeof AppointmentType>

export const BookAppointment = z.strictObject({
  doctorId: uuid,
  scheduledAt: instantField,
  reason: longText.nullish(),
  type: AppointmentType.default("IN_PERSON"),
  /** For whom; only the front desk books for others. */
  patientId: uuid.nullish(),
})
export type BookAppointment = z.infer<typeof BookAppointment>

export const ChangeAppointment = z
  .strictObject({ status: AppointmentStatus.optional(), scheduledAt: instantField.optional(), version: z.int().min(1).optional() })
  .refine((c) => (c.status === undefined) !== (c.scheduledAt === undefined), {
    path: ["status"],
    message: "give either status or scheduledAt",
  })
export type ChangeAppointment = z.infer<typeof ChangeAppointment>

const LIST_MAX = 100
const LIST_DEFAULT = 20

export const ListAppointments = z.object({
  status: AppointmentStatus.optional(),
  from: instantField.optional(),
  to: instantField.optional(),
  cursor: z.string().max(200).optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.int().min(1).max(LIST_MAX))
    .default(LIST_DEFAULT),
})
export type ListAppointments = z.infer<typeof ListAppointments>

/** As its parties see it. */
export type Appointment = {
  id: string
  doctorId: string
  doctorName: string
  patientId: string
  patientName: string
  clinicId: string
  scheduledAt: string
  endsAt: string
  status: AppointmentStatus
  type: AppointmentType
  reason: string | null
  version: number
  createdAt: string
  updatedAt: string
}
