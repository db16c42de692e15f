import type { Db } from "../../db.ts"

/** Confirmed appointments that ended before `endedBefore`, oldest first: those after whom nobody asked. */
export async function listOverdue(db: Db, endedBefore: Date, limit: number): Promise<string[]> {
  const rows = await db<{ id: string }[]>`
    select id from appointments
    where status = 'CONFIRMED' and scheduled_at < ${endedBefore} and ends_at < ${endedBefore}
    order by scheduled_at limit ${limit}`
  return rows.map((row) => row.id)
}

export type Reminder = { appointmentId: string; patientId: string; scheduledAt: Date }

/**
 * Takes confirmed appointments that begin after `from` and not after `to` and were not reminded of `hoursBefore` their time, locks
 * them, so that no cancellation comes between, and writes down that they are. What another worker has locked is that worker's.
 */
export async function claimReminders(tx: Db, hoursBefore: number, from: Date, to: Date, limit: number): Promise<Reminder[]> {
  return await tx<Reminder[]>`
    with due as materialized (
      select a.id, a.patient_id, a.scheduled_at from appointments a
      where a.status = 'CONFIRMED' and a.scheduled_at > ${from} and a.scheduled_at <= ${to}
        and not exists (
          select from reminders_sent s
          where s.appointment_id = a.id and s.scheduled_at = a.scheduled_at and s.hours_before = ${hoursBefore})
      order by a.scheduled_at limit ${limit}
      for no key update of a skip locked),
    sent as (
      insert into reminders_sent (appointment_id, scheduled_at, hours_before) select id, scheduled_at, ${hoursBefore} from due
      on conflict do nothing returning appointment_id)
    select due.id as "appointmentId", due.patient_id as "patientId", due.scheduled_at as "scheduledAt"
    from due join sent on sent.appointment_id = due.id order by due.scheduled_at`
}

/** Forgets reminders of what began before `before`. Returns how many. */
export async function deleteReminders(db: Db, before: Date, limit: number): Promise<number> {
  const deleted = await db`
    delete from reminders_sent where ctid = any (array(select ctid from reminders_sent where scheduled_at < ${before} limit ${limit}))`
  return deleted.count
}
