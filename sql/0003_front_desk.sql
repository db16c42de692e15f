-- Finding a patient at the desk: by a part of the name, or of the number without its punctuation.
alter table patients add column phone_digits text generated always as (regexp_replace(phone, '[^0-9]', '', 'g')) stored;
create index patients_by_name_part on patients using gin (name_fold gin_trgm_ops);
create index patients_by_phone_part on patients using gin (phone_digits gin_trgm_ops);
create index patients_by_desk on patients (clinic_id) where clinic_id is not null;

-- The live queue -----------------------------------------------------------------------------------------------------

-- One row a clinic, locked before anything of its queue or a visit in it: so counts are right and events in order.
create table clinic_queues (
  clinic_id   uuid        not null,
  updated_at  timestamptz not null default now(),
  constraint clinic_queues_pkey primary key (clinic_id),
  constraint clinic_queues_clinic_fkey foreign key (clinic_id) references clinics (id)
);

-- Places are given out in the order of arrival and change hands when the desk reorders.
create sequence queue_places;

-- Who is at the clinic: from the check-in until the visit is over. Whether they wait or are with the doctor, the appointment says.
create table queue_entries (
  appointment_id  uuid        not null,
  clinic_id       uuid        not null,
  doctor_id       uuid        not null,
  priority        smallint    not null default 0,
  place           bigint      not null default nextval('queue_places'),
  checked_in_at   timestamptz not null,
  started_at      timestamptz,
  lapses_at       timestamptz not null, -- the end of its day in the clinic's zone: from then on it is in no queue
  told_position   integer,              -- what the patient was last told
  told_start      timestamptz,
  constraint queue_entries_pkey primary key (appointment_id),
  constraint queue_entries_appointment_fkey foreign key (appointment_id) references appointments (id),
  constraint queue_entries_clinic_fkey foreign key (clinic_id) references clinic_queues (clinic_id),
  constraint queue_entries_doctor_fkey foreign key (doctor_id) references doctors (id),
  constraint queue_entries_priority_range check (priority between 0 and 9)
);
create index queue_entries_by_clinic on queue_entries (clinic_id);
create index queue_entries_by_doctor on queue_entries (doctor_id, priority desc, place);
create index queue_entries_by_lapse on queue_entries (lapses_at);

-- How long visits took, those left out that were begun by mistake or never ended.
create table visits (
  appointment_id  uuid        not null,
  doctor_id       uuid        not null,
  started_at      timestamptz not null,
  ended_at        timestamptz not null,
  constraint visits_pkey primary key (appointment_id),
  constraint visits_appointment_fkey foreign key (appointment_id) references appointments (id),
  constraint visits_doctor_fkey foreign key (doctor_id) references doctors (id),
  constraint visits_in_order check (started_at <= ended_at)
);
create index visits_by_doctor on visits (doctor_id, ended_at desc);

-- What the estimates are made from: the median of a doctor's recent visits, kept at the end of each.
create table doctor_paces (
  doctor_id   uuid             not null,
  typical_ms  double precision not null,
  constraint doctor_paces_pkey primary key (doctor_id),
  constraint doctor_paces_doctor_fkey foreign key (doctor_id) references doctors (id)
);

-- Who was checked in before there was a queue is in it, and leaves it as everybody does or half a day after.
insert into clinic_queues (clinic_id)
select distinct d.clinic_id from appointments a join doctors d on d.id = a.doctor_id where a.status in ('WAITING', 'IN_PROGRESS');
insert into queue_entries (appointment_id, clinic_id, doctor_id, checked_in_at, started_at, lapses_at)
select a.id, d.clinic_id, a.doctor_id, a.updated_at, case a.status when 'IN_PROGRESS' then a.updated_at end, a.updated_at + interval '12 hours'
from appointments a join doctors d on d.id = a.doctor_id where a.status in ('WAITING', 'IN_PROGRESS') order by a.updated_at;
