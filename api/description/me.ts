import { z } from "zod"
import { OwnDoctorProfile } from "../../core/doctors/schema.ts"
import { EXAMPLES } from "../../core/examples.ts"
import { PatientProfile } from "../../core/patients/schema.ts"
import { ReceptionistProfile } from "../../core/receptionists/schema.ts"

const uid = z.string()

/** What `GET /me` answers: a profile is there for the role that the caller has. */
export const Me = z
  .discriminatedUnion("role", [
    z.object({ uid, role: z.null() }),
    z.object({ uid, role: z.literal("PATIENT"), patient: PatientProfile }),
    z.object({ uid, role: z.literal("DOCTOR"), doctor: OwnDoctorProfile }),
    z.object({ uid, role: z.literal("RECEPTIONIST"), receptionist: ReceptionistProfile }),
  ])
  .meta({ id: "Me", examples: [{ uid: EXAMPLES.uid, role: null }] })
