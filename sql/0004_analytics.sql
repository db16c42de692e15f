-- Analytics ----------------------------------------------------------------------------------------------------------

-- What a day took and gave back.
create index payments_by_paid_at on payments (doctor_id, paid_at) where paid_at is not null;
create index payments_by_refunded_at on payments (doctor_id, refunded_at) where refunded_at is not null;

-- What a doctor's rollups were made with and when. Its row is locked by whoever recomputes them.
create table doctor_rollups (
  doctor_id    uuid        not null,
  timezone     text        not null,
  currency     text        not null,
  patients     integer     not null default 0, -- all who ever had or have an appointment: the sum of new_patients
  computed_at  timestamptz not null,
  constraint doctor_rollups_pkey primary key (doctor_id),
  constraint doctor_rollups_doctor_fkey foreign key (doctor_id) references doctors (id)
);

-- One row a doctor and day in the doctor's zone; a day without a row has no figures.
create table doctor_days (
  doctor_id     uuid    not null,
  day           date    not null,
  booked        integer not null, -- all but REJECTED
  completed     integer not null,
  cancelled     integer not null,
  no_show       integer not null,
  new_patients  integer not null,
  revenue       bigint  not null, -- minor units of the doctor's currency; negative where refunds exceed payments
  constraint doctor_days_pkey primary key (doctor_id, day),
  constraint doctor_days_doctor_fkey foreign key (doctor_id) references doctor_rollups (doctor_id)
);

-- The worker's work ----------------------------------------------------------------------------------------------------

-- How far the worker has read the event log. Its rows of work are written in the transaction that moves this.
create table work_cursor (
  singleton  boolean not null default true,
  "offset"   bigint  not null,
  constraint work_cursor_pkey primary key (singleton),
  constraint work_cursor_one_row check (singleton)
);

-- What a doctor's rollups lack: the day of `at`, every day, or (neither) whatever a changed zone or currency asks for.
-- Only ever added to and deleted from, so that the reader of the log waits for no job.
create table rollups_due (
  id         bigint      not null generated always as identity,
  doctor_id  uuid        not null,
  at         timestamptz,
  every_day  boolean     not null default false,
  since      timestamptz not null default clock_timestamp(),
  given_up   boolean     not null default false, -- its job has failed for the last time and waits for a person
  constraint rollups_due_pkey primary key (id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_insert_threshold = 2000);
create index rollups_due_by_doctor on rollups_due (doctor_id);
create index rollups_due_waiting on rollups_due (id) where not given_up;

-- One row a schedule: what a wiped Redis must not take along.
create table schedule_runs (
  name         text        not null,
  started_at   timestamptz not null,
  finished_at  timestamptz,
  failures     bigint      not null default 0,
  last_error   text,
  constraint schedule_runs_pkey primary key (name)
);

-- Which reminders were sent. A visit that moves is reminded of at its new time.
create table reminders_sent (
  appointment_id  uuid        not null,
  scheduled_at    timestamptz not null,
  hours_before    smallint    not null,
  constraint reminders_sent_pkey primary key (appointment_id, scheduled_at, hours_before),
  constraint reminders_sent_appointment_fkey foreign key (appointment_id) references appointments (id)
);
create index reminders_sent_by_time on reminders_sent (scheduled_at);
