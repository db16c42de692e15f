import { type Db, maybeOne } from "../../db.ts"
import type { Schedule, Slot } from "./slots.ts"

/** What a booking must know of its doctor. */
export type DoctorSchedule = Schedule & { doctorId: string; clinicId: string; name: string; active: boolean; version: number }

export async function findSchedule(db: Db, doctorId: string): Promise<DoctorSchedule | undefined> {
  return maybeOne(
    await db<DoctorSchedule[]>`
      select id as "doctorId", clinic_id as "clinicId", name, active, version,
        timezone, slot_minutes as "slotMinutes", working_hours as "workingHours"
      from doctors where id = ${doctorId}`,
  )
}

/**
 * The doctor's times that are taken and touch [fromMs, toMs), in order. No appointment is longer than four hours
 * (appointments_during_bounded), so those that started earlier than that are over: a range of appointments_by_doctor.
 * Bounds travel as numbers, since Postgres does not read every year in the form that JavaScript writes.
 */
export async function listTaken(db: Db, doctorId: string, fromMs: number, toMs: number): Promise<Slot[]> {
  return db<Slot[]>`
    select (date_part('epoch', scheduled_at) * 1000)::int8 as "start", (date_part('epoch', ends_at) * 1000)::int8 as "end"
    from appointments
    where doctor_id = ${doctorId}
      and scheduled_at > to_timestamp(${fromMs / 1000}::float8) - interval '4 hours'
      and scheduled_at < to_timestamp(${toMs / 1000}::float8)
      and ends_at > to_timestamp(${fromMs / 1000}::float8)
      and status in ('PENDING', 'CONFIRMED', 'WAITING', 'IN_PROGRESS')
    order by scheduled_at`
}

/** `findSchedule` and `listTaken` in one round trip. */
export async function findScheduleWithTaken(
  db: Db,
  doctorId: string,
  fromMs: number,
  toMs: number,
): Promise<(DoctorSchedule & { taken: Slot[] }) | undefined> {
  return maybeOne(
    await db<(DoctorSchedule & { taken: Slot[] })[]>`
      select id as "doctorId", clinic_id as "clinicId", name, active, version,
        timezone, slot_minutes as "slotMinutes", working_hours as "workingHours",
        coalesce((
          select json_agg(json_build_object(
            'start', (date_part('epoch', scheduled_at) * 1000)::int8, 'end', (date_part('epoch', ends_at) * 1000)::int8
          ) order by scheduled_at)
          from appointments
          where doctor_id = doctors.id
            and scheduled_at > to_timestamp(${fromMs / 1000}::float8) - interval '4 hours'
            and scheduled_at < to_timestamp(${toMs / 1000}::float8)
            and ends_at > to_timestamp(${fromMs / 1000}::float8)
            and status in ('PENDING', 'CONFIRMED', 'WAITING', 'IN_PROGRESS')
        ), '[]') as taken
      from doctors where id = ${doctorId}`,
  )
}
