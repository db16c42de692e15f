/** Writes down every state that a doctor's row has had, and when it was committed: by a trigger, which the product knows nothing of. */
import postgres from "postgres"
import type { DoctorState } from "./evidence.ts"

/** Called by the owner, before anybody signs up. */
export async function keepDoctorStates(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql`create schema chaos`
  await sql`
    create table chaos.doctor_states (
      doctor_id uuid, active boolean, latitude float8, longitude float8, fee float8, specialization text, serial bigint generated always as identity)`
  await sql`
    create function chaos.note_doctor() returns trigger security definer language plpgsql as $$
    begin
      insert into chaos.doctor_states
      values (new.id, new.active, new.clinic_latitude, new.clinic_longitude, new.consultation_fee, new.specialization);
      return null;
    end $$`
  await sql`create trigger noted after insert or update on doctors for each row execute function chaos.note_doctor()`
  await sql.end({ timeout: 1 })
}

/** In the order of their commits, as far as one doctor's are concerned: the row's lock sees to that. */
export async function readDoctorStates(sql: postgres.Sql<{ bigint: number }>): Promise<DoctorState[]> {
  return [
    ...(await sql<DoctorState[]>`
      select doctor_id as "doctorId", extract(epoch from pg_xact_commit_timestamp(xmin))::float8 * 1000 as at, active, latitude, longitude, fee,
        specialization
      from chaos.doctor_states order by serial`),
  ]
}
