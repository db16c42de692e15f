-- Payments. Amounts are exact; code counts them in minor units of their currency, of which the finest has four decimals.
create table payments (
  id              uuid            not null,
  appointment_id  uuid,
  doctor_id       uuid            not null,
  patient_id      uuid            not null,
  amount          numeric(11, 4)  not null,
  currency        text            not null,
  status          text            not null default 'PENDING',
  method          text            not null,
  card_brand      text,
  card_last4      text,
  card_exp_month  smallint,
  card_exp_year   smallint,
  card_sealed     bytea,    -- number and holder: core/payments/envelope.ts
  card_key_id     text,     -- which key of PAYMENT_KEYS opens it
  paid_at         timestamptz(3), -- once, when it becomes COMPLETED; a refund leaves it
  refunded_at     timestamptz(3),
  created_at      timestamptz(3)  not null, -- as precise as an answer and a cursor are
  updated_at      timestamptz(3)  not null,
  constraint payments_pkey primary key (id),
  constraint payments_appointment_fkey foreign key (appointment_id) references appointments (id),
  constraint payments_doctor_fkey foreign key (doctor_id) references doctors (id),
  constraint payments_patient_fkey foreign key (patient_id) references patients (id),
  constraint payments_amount_range check (amount > 0 and amount <= 1000000),
  constraint payments_status_known check (status in ('PENDING', 'COMPLETED', 'FAILED', 'REFUNDED')),
  constraint payments_method_known check (method in ('CARD', 'CASH', 'INSURANCE')),
  constraint payments_paid_when_completed check ((paid_at is not null) = (status in ('COMPLETED', 'REFUNDED'))),
  constraint payments_refunded_when_refunded check ((refunded_at is not null) = (status = 'REFUNDED')),
  constraint payments_card_whole check (
    num_nonnulls(card_brand, card_last4, card_exp_month, card_exp_year, card_sealed, card_key_id) = case method when 'CARD' then 6 else 0 end)
);
create index payments_by_doctor on payments (doctor_id, created_at, id);
create index payments_by_patient on payments (patient_id, created_at, id);
create index payments_by_appointment on payments (appointment_id, id) where appointment_id is not null;
-- What is still under an old key, and whether any row is under a key that is gone.
create index payments_by_key on payments (card_key_id, id) where card_key_id is not null;
