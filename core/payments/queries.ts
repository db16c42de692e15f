import type { Scope } from "../auth/principal.ts"
import { type Db, maybeOne } from "../db.ts"
import type { NewEvent } from "../events/catalog.ts"
import type { Sealed } from "./envelope.ts"
import { fromMinor, toMinor } from "./money.ts"
import type { Payment, PaymentStatus } from "./schema.ts"

type Row = Omit<Payment, "amountMinor"> & { amount: number }

const columns = (db: Db) => db`
  p.id, p.appointment_id as "appointmentId", p.doctor_id as "doctorId", p.patient_id as "patientId", d.clinic_id as "clinicId",
  p.amount, p.currency, p.status, p.method, p.paid_at as "paidAt", p.created_at as "createdAt",
  case when p.method = 'CARD' then jsonb_build_object(
    'brand', p.card_brand, 'last4', p.card_last4, 'expMonth', p.card_exp_month, 'expYear', p.card_exp_year) end as card`

const payment = ({ amount, ...row }: Row): Payment => ({ ...row, amountMinor: toMinor(amount, row.currency) })

/** Whom a payment is for, and in what money. */
export type Payee = { doctorId: string; clinicId: string; patientId: string; currency: string }

export type AppointmentPayee = Payee & { status: string }

/** Of an appointment, locked so that it cannot be called off until the transaction ends. */
export async function lockAppointmentPayee(tx: Db, appointmentId: string): Promise<AppointmentPayee | undefined> {
  return maybeOne(
    await tx<AppointmentPayee[]>`
    select a.doctor_id as "doctorId", d.clinic_id as "clinicId", a.patient_id as "patientId", d.currency, a.status
    from appointments a join doctors d on d.id = a.doctor_id where a.id = ${appointmentId} for share of a`,
  )
}

/** `knownToDoctor`: has an appointment with the doctor; `knownToClinic`: with any of the clinic's, or was made at its desk. */
export type DirectPayee = Payee & { knownToDoctor: boolean; knownToClinic: boolean }

/** Of a doctor and a patient, if both exist. */
export async function findDirectPayee(db: Db, doctorId: string, patientId: string): Promise<DirectPayee | undefined> {
  return maybeOne(
    await db<DirectPayee[]>`
    select d.id as "doctorId", d.clinic_id as "clinicId", p.id as "patientId", d.currency,
      exists (select from appointments a where a.doctor_id = d.id and a.patient_id = p.id) as "knownToDoctor",
      coalesce(p.clinic_id = d.clinic_id, false) or exists (
        select from appointments a join doctors c on c.id = a.doctor_id
        where a.patient_id = p.id and c.clinic_id = d.clinic_id) as "knownToClinic"
    from doctors d cross join patients p where d.id = ${doctorId} and p.id = ${patientId}`,
  )
}

export async function insertPayment(db: Db, p: Payment, sealed: Sealed | undefined): Promise<void> {
  await db`
    insert into payments (id, appointment_id, doctor_id, patient_id, amount, currency, status, method, card_brand, card_last4,
      card_exp_month, card_exp_year, card_sealed, card_key_id, created_at, updated_at)
    values (${p.id}, ${p.appointmentId}, ${p.doctorId}, ${p.patientId}, ${fromMinor(p.amountMinor, p.currency)}, ${p.currency}, ${p.status},
      ${p.method}, ${p.card?.brand ?? null}, ${p.card?.last4 ?? null}, ${p.card?.expMonth ?? null}, ${p.card?.expYear ?? null},
      ${sealed?.sealed ?? null}, ${sealed?.keyId ?? null}, ${p.createdAt}, ${p.createdAt})`
}

export async function findPayment(db: Db, id: string): Promise<Payment | undefined> {
  const row = maybeOne(await db<Row[]>`select ${columns(db)} from payments p join doctors d on d.id = p.doctor_id where p.id = ${id}`)
  return row && payment(row)
}

/** `before`: the last one of the page before. */
export type Page = { before?: { createdAt: Date; id: string }; limit: number }

/** Newest first, then by id. A patient's and a doctor's have an index in this order; a clinic's are merged from its doctors'. */
export async function listPayments(db: Db, scope: Scope, { before, limit }: Page): Promise<Payment[]> {
  const older = before ? db`and (p.created_at, p.id) < (${before.createdAt}, ${before.id}::uuid)` : db``
  if ("clinicId" in scope) {
    const rows = await db<Row[]>`
      select ${columns(db)}
      from doctors d
      cross join lateral (
        select * from payments p where p.doctor_id = d.id ${older} order by p.created_at desc, p.id desc limit ${limit}) p
      where d.clinic_id = ${scope.clinicId}
      order by p.created_at desc, p.id desc limit ${limit}`
    return rows.map(payment)
  }
  const own = "patientId" in scope ? db`p.patient_id = ${scope.patientId}` : db`p.doctor_id = ${scope.doctorId}`
  const rows = await db<Row[]>`
    select ${columns(db)} from payments p join doctors d on d.id = p.doctor_id
    where ${own} ${older} order by p.created_at desc, p.id desc limit ${limit}`
  return rows.map(payment)
}

/** Moves the status and announces it, in one statement. Undefined when the payment is no longer `from`. */
export async function updatePaymentStatus(
  db: Db,
  id: string,
  from: PaymentStatus,
  to: PaymentStatus,
  event: NewEvent,
  entry: string,
): Promise<Payment | undefined> {
  const row = maybeOne(
    await db<Row[]>`
    with p as (
      update payments
      set status = ${to}, updated_at = clock_timestamp(),
        paid_at = case when ${to} = 'COMPLETED' then clock_timestamp() else paid_at end,
        refunded_at = case when ${to} = 'REFUNDED' then clock_timestamp() end
      where id = ${id} and status = ${from}
      returning *),
    announced as (
      insert into events (id, name, subject, rooms, data)
      select ${event.id}::uuid, ${event.name}::text, ${event.subject}::text, ${event.rooms}::text[], ${db.json(event.data)}::jsonb from p),
    audited as (insert into audit_inbox (entry) select ${entry}::text::json from p)
    select ${columns(db)} from p join doctors d on d.id = p.doctor_id`,
  )
  return row && payment(row)
}

/** An appointment's payments that are PENDING or COMPLETED, locked in the order of their ids, so that two who lock them cannot deadlock. */
export async function lockOpenPayments(tx: Db, appointmentId: string): Promise<Payment[]> {
  const rows = await tx<Row[]>`
    select ${columns(tx)} from payments p join doctors d on d.id = p.doctor_id
    where p.appointment_id = ${appointmentId} and p.status in ('PENDING', 'COMPLETED')
    order by p.id for no key update of p`
  return rows.map(payment)
}

/** COMPLETED becomes REFUNDED, PENDING becomes FAILED. The rows must be locked. */
export async function updateToCalledOff(tx: Db, ids: string[]): Promise<void> {
  await tx`
    update payments
    set status = case status when 'COMPLETED' then 'REFUNDED' else 'FAILED' end, updated_at = clock_timestamp(),
      refunded_at = case status when 'COMPLETED' then clock_timestamp() end
    where id = any(${ids}::uuid[])`
}

/** The card of a payment as it lies at rest. */
export async function findSealed(db: Db, id: string): Promise<Sealed | undefined> {
  return maybeOne(
    await db<Sealed[]>`select card_sealed as sealed, card_key_id as "keyId" from payments where id = ${id} and card_key_id is not null`,
  )
}

export type SealedRow = Sealed & { id: string }

/** Cards under a key, in the order of their ids after `after`, locked; those that somebody else holds are left out, so nobody waits. */
export async function claimSealed(tx: Db, keyId: string, after: string, limit: number): Promise<SealedRow[]> {
  return await tx<SealedRow[]>`
    select id, card_sealed as sealed, card_key_id as "keyId" from payments
    where card_key_id = ${keyId} and id > ${after} order by id limit ${limit} for no key update skip locked`
}

export async function updateSealed(tx: Db, rows: SealedRow[]): Promise<void> {
  const encoded = rows.map(({ id, keyId, sealed }) => ({ id, key_id: keyId, sealed: sealed.toString("base64") }))
  await tx`
    update payments p set card_sealed = decode(r.sealed, 'base64'), card_key_id = r.key_id
    from jsonb_to_recordset(${tx.json(encoded)}) as r (id uuid, key_id text, sealed text) where p.id = r.id`
}

/** How many cards each key holds. */
export async function countByKey(db: Db): Promise<{ keyId: string; cards: number }[]> {
  return await db<{ keyId: string; cards: number }[]>`
    select card_key_id as "keyId", count(*) as cards from payments where card_key_id is not null group by card_key_id order by card_key_id`
}

/** Up to `each` cards of every key that holds any: the index is skipped through, however many there are. */
export async function listSamplesOfKeys(db: Db, each: number): Promise<SealedRow[]> {
  return await db<SealedRow[]>`
    with recursive keys as (
      (select card_key_id as key_id from payments where card_key_id is not null order by card_key_id limit 1)
      union all
      select (select card_key_id from payments where card_key_id > keys.key_id order by card_key_id limit 1) from keys where keys.key_id is not null)
    select p.id, p.card_sealed as sealed, p.card_key_id as "keyId"
    from keys cross join lateral (select * from payments where card_key_id = keys.key_id order by id limit ${each}) p`
}
