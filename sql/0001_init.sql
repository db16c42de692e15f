-- Extensions that any database owner may create (all are marked trusted).
create extension if not exists btree_gist;
create extension if not exists pg_trgm;

-- People -------------------------------------------------------------------------------------------------------------

-- One row a signed-in person. Its primary key decides which of two rival first calls creates the profile.
create table accounts (
  uid         text        not null,
  role        text        not null,
  created_at  timestamptz not null default now(),
  constraint accounts_pkey primary key (uid),
  constraint accounts_role_known check (role in ('PATIENT', 'DOCTOR', 'RECEPTIONIST')),
  constraint accounts_uid_length check (length(uid) between 1 and 128)
);

create table clinics (
  id                 uuid             not null,
  name               text             not null,
  address            text             not null,
  city               text             not null,
  city_key           text             not null, -- caseKey(city), core/text.ts
  latitude           double precision not null,
  longitude          double precision not null,
  timezone           text             not null, -- IANA name, from the coordinates
  verification_code  text             not null,
  created_at         timestamptz      not null default now(),
  constraint clinics_pkey primary key (id),
  constraint clinics_latitude_range check (latitude between -90 and 90),
  constraint clinics_longitude_range check (longitude between -180 and 180)
);

create table patients (
  id          uuid             not null,
  uid         text,                      -- null: a walk-in without an account
  clinic_id   uuid,                      -- the desk that made a walk-in
  name        text             not null,
  name_fold   text             not null, -- fold(name), core/text.ts
  phone       text,
  city        text,
  city_key    text,
  latitude    double precision,
  longitude   double precision,
  version     integer          not null default 1,
  created_at  timestamptz      not null default now(),
  updated_at  timestamptz      not null default now(),
  constraint patients_pkey primary key (id),
  constraint patients_uid_key unique (uid),
  constraint patients_uid_fkey foreign key (uid) references accounts (uid),
  constraint patients_clinic_fkey foreign key (clinic_id) references clinics (id),
  constraint patients_position_whole check ((latitude is null) = (longitude is null)),
  constraint patients_latitude_range check (latitude between -90 and 90),
  constraint patients_longitude_range check (longitude between -180 and 180)
);

-- The clinic's fields stand in the doctor's row as well, so that one index answers a search; a clinic's change rewrites
-- its doctors in the same transaction. `version` grows with every change of the row.
create table doctors (
  id                uuid             not null,
  uid               text,                      -- null: a demo or imported doctor who has not signed in
  clinic_id         uuid             not null,
  name              text collate "C" not null, -- listed by code point, the same on every machine
  name_fold         text             not null,
  specialization    text             not null,
  specialization_key text            not null, -- caseKey(specialization)
  consultation_fee  numeric(10, 3)   not null,
  currency          text             not null,
  clinic_name       text             not null,
  clinic_name_fold  text             not null,
  clinic_address    text             not null,
  city              text             not null,
  city_key          text             not null,
  clinic_latitude   double precision not null,
  clinic_longitude  double precision not null,
  h3_r4             bigint           not null, -- H3 cells of the clinic at three resolutions: far, middle, near
  h3_r6             bigint           not null,
  h3_r8             bigint           not null,
  services          text[]           not null default '{}',
  working_hours     jsonb            not null,
  slot_minutes      smallint         not null default 30,
  timezone          text             not null,
  bio               text,
  active            boolean          not null default true,
  version           integer          not null default 1,
  created_at        timestamptz      not null default now(),
  updated_at        timestamptz      not null default now(),
  constraint doctors_pkey primary key (id),
  constraint doctors_uid_key unique (uid),
  constraint doctors_uid_fkey foreign key (uid) references accounts (uid),
  constraint doctors_clinic_fkey foreign key (clinic_id) references clinics (id),
  constraint doctors_fee_not_negative check (consultation_fee >= 0),
  constraint doctors_slot_minutes_range check (slot_minutes between 5 and 240),
  -- Zero, or no less than snapDegrees (core/fields.ts) leaves: the square of a smaller difference underflows, an error in a search.
  constraint doctors_latitude_range check (clinic_latitude between -90 and 90 and (clinic_latitude = 0 or abs(clinic_latitude) >= 1e-9)),
  constraint doctors_longitude_range check (clinic_longitude between -180 and 180 and (clinic_longitude = 0 or abs(clinic_longitude) >= 1e-9))
);
create index doctors_by_clinic on doctors (clinic_id);
create index doctors_by_position on doctors (clinic_latitude, clinic_longitude);
-- A near search reads these alone: cells of the cover, the exact filters, the exact distance; rows only for the page.
create index doctors_by_h3_r4 on doctors (h3_r4, specialization_key) include (city_key, consultation_fee, clinic_latitude, clinic_longitude, id) where active;
create index doctors_by_h3_r6 on doctors (h3_r6, specialization_key) include (city_key, consultation_fee, clinic_latitude, clinic_longitude, id) where active;
create index doctors_by_h3_r8 on doctors (h3_r8, specialization_key) include (city_key, consultation_fee, clinic_latitude, clinic_longitude, id) where active;
-- A listing reads these in their order until its page is full.
create index doctors_by_name on doctors (name, id) include (consultation_fee) where active;
create index doctors_by_city on doctors (city_key, name, id) include (specialization_key, consultation_fee) where active;
create index doctors_by_specialization on doctors (specialization_key, name, id) include (consultation_fee) where active;
create index doctors_by_name_part on doctors using gin (name_fold gin_trgm_ops) where active;
create index doctors_by_clinic_name_part on doctors using gin (clinic_name_fold gin_trgm_ops) where active;

-- Great-circle distance in km of positions in degrees, as haversineKm in core/doctors/search/haversine.ts: the same operations in
-- the same order, so the same double. A square is a product: pow may differ from it in the last bit. The planner inlines it.
create function haversine_km(latitude_1 float8, longitude_1 float8, latitude_2 float8, longitude_2 float8) returns float8
language sql immutable parallel safe
return 2 * 6371.0088::float8 * asin(least(1::float8, sqrt(
  sin(radians(latitude_2 - latitude_1) / 2) * sin(radians(latitude_2 - latitude_1) / 2)
  + cos(radians(latitude_1)) * cos(radians(latitude_2))
    * (sin(radians(longitude_2 - longitude_1) / 2) * sin(radians(longitude_2 - longitude_1) / 2)))));

create table receptionists (
  id          uuid        not null,
  uid         text,
  clinic_id   uuid        not null,
  name        text,
  status      text        not null,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  constraint receptionists_pkey primary key (id),
  constraint receptionists_uid_key unique (uid),
  constraint receptionists_uid_fkey foreign key (uid) references accounts (uid),
  constraint receptionists_clinic_fkey foreign key (clinic_id) references clinics (id),
  constraint receptionists_status_known check (status in ('PENDING', 'ACTIVE', 'REJECTED', 'REVOKED'))
);
create index receptionists_by_clinic on receptionists (clinic_id, status);

-- Appointments -------------------------------------------------------------------------------------------------------

create table appointments (
  id            uuid        not null,
  doctor_id     uuid        not null,
  patient_id    uuid        not null,
  during        tstzrange   not null, -- [start, end)
  scheduled_at  timestamptz not null generated always as (lower(during)) stored,
  ends_at       timestamptz not null generated always as (upper(during)) stored,
  status        text        not null default 'PENDING',
  type          text        not null default 'IN_PERSON',
  reason        text,
  version       integer     not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  constraint appointments_pkey primary key (id),
  constraint appointments_doctor_fkey foreign key (doctor_id) references doctors (id),
  constraint appointments_patient_fkey foreign key (patient_id) references patients (id),
  constraint appointments_status_known check (
    status in ('PENDING', 'CONFIRMED', 'REJECTED', 'CANCELLED', 'WAITING', 'IN_PROGRESS', 'COMPLETED', 'NO_SHOW')),
  constraint appointments_type_known check (type in ('IN_PERSON', 'TELEMEDICINE')),
  constraint appointments_during_bounded check (
    not isempty(during) and lower_inc(during) and not upper_inc(during) and upper(during) - lower(during) <= interval '4 hours'),
  -- Double booking is impossible, whoever asks and however.
  constraint appointments_no_overlap exclude using gist (doctor_id with =, during with &&)
    where (status in ('PENDING', 'CONFIRMED', 'WAITING', 'IN_PROGRESS'))
);
create index appointments_by_doctor on appointments (doctor_id, scheduled_at, id);
create index appointments_by_patient on appointments (patient_id, scheduled_at, id);
-- Those that a clock may move on (reminders, no-shows). A booking enters it when it is confirmed, so that making one stays cheap;
-- a clinic's list is merged from its doctors' for the same reason.
create index appointments_by_status on appointments (status, scheduled_at) where status in ('CONFIRMED', 'WAITING', 'IN_PROGRESS');
create index appointments_by_scheduled_at on appointments using brin (scheduled_at);

-- The event log ------------------------------------------------------------------------------------------------------

-- One row: which log this is (a stream of another database is not ours), and the offsets it holds: (floor, head].
create table event_log (
  singleton  boolean not null default true,
  id     uuid    not null default gen_random_uuid(),
  head   bigint  not null default 0,
  floor  bigint  not null default 0,
  constraint event_log_pkey primary key (singleton),
  constraint event_log_one_row check (singleton),
  constraint event_log_order check (floor between 0 and head)
);
insert into event_log default values;
-- A table that was never analysed is taken for a large one: the publisher's plans would be priced a thousandfold.
analyze event_log;

-- Written in the transaction of the change it tells of; numbered densely by the publisher after that has committed.
create table events (
  seq          bigint      not null generated always as identity,
  id           uuid        not null,
  name         text        not null,
  subject      text        not null, -- what is ordered: 'appointment:<id>', 'doctor:<id>', …
  rooms        text[]      not null, -- who may hear it; none: internal
  data         jsonb       not null,
  occurred_at  timestamptz not null default clock_timestamp(),
  "offset"     bigint
);
-- Each event is in one of the two: a booking pays for one entry, and so does its publication.
create unique index events_unpublished on events (seq) where "offset" is null;
create unique index events_by_offset on events ("offset") where "offset" is not null;

-- What each room may hear, in order: written by the publisher with the offsets, so that a booking does not pay for it
-- and a replay reads exactly what it sends, however long the log is.
create table room_events (
  room      text   not null,
  "offset"  bigint not null,
  constraint room_events_pkey primary key (room, "offset")
);
