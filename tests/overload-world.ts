import type { Pool } from "../core/db.ts"

/** The patient's, with long texts: an answer of a hundred costs a process dozens of times what a refusal does, with its HTTP. */
export async function insertAppointments(pool: Pool, doctorId: string, patientUid: string, count: number): Promise<void> {
  await pool`
    insert into appointments (id, doctor_id, patient_id, during, reason)
    select gen_random_uuid(), ${doctorId}, (select id from patients where uid = ${patientUid}),
      tstzrange(now() + n * interval '1 day', now() + n * interval '1 day' + interval '30 minutes'), repeat('what was found, ', 500)
    from generate_series(1, ${count}::int) n`
}
