-- What searches read, and nothing else: a row each active doctor, narrow, its answer ready as JSON. Triggers keep it, in the
-- transaction of the change, so that no writer can forget; nobody else may write it.
create table searchable_doctors (
  place               integer          not null, -- the finest H3 cell in 31 bits: placeOf, core/doctors/search/places.ts
  latitude            double precision not null,
  longitude           double precision not null,
  fee                 double precision not null, -- at most ten digits: a double tells any two apart
  id                  uuid             not null,
  listing             text             not null, -- the answer's JSON object up to its distance
  specialization_key  text             not null,
  city_key            text             not null,
  name                text collate "C" not null,
  name_fold           text             not null,
  clinic_name_fold    text             not null,
  constraint searchable_doctors_pkey primary key (id)
);

-- A position's degree as JSON.stringify writes it: Postgres writes an exponent sooner, and with two digits.
create function degree_json(degree float8) returns text
language sql immutable parallel safe
return case when degree <> 0 and abs(degree) < 1e-6 then replace(degree::text, 'e-0', 'e-') else degree::text::numeric::text end;

-- The row of a doctor; none of one who is not active.
create function searchable(d doctors) returns setof searchable_doctors
language sql stable as $$
  select ((d.h3_r8 >> 21) & 2147483647)::int4, d.clinic_latitude, d.clinic_longitude, d.consultation_fee::float8, d.id,
    concat('{"id":"', d.id, '","name":', to_json(d.name), ',"specialization":', to_json(d.specialization),
      ',"consultationFee":', trim_scale(d.consultation_fee), ',"currency":', to_json(d.currency), ',"clinicId":"', d.clinic_id,
      '","clinicName":', to_json(d.clinic_name), ',"clinicAddress":', to_json(d.clinic_address), ',"city":', to_json(d.city),
      ',"clinicLatitude":', degree_json(d.clinic_latitude), ',"clinicLongitude":', degree_json(d.clinic_longitude),
      ',"services":', to_json(d.services), ',"distanceKm":'),
    d.specialization_key, d.city_key, d.name, d.name_fold, d.clinic_name_fold
  where d.active
$$;

-- Near ones near each other: what a search around a position reads then lies on few pages.
insert into searchable_doctors select s.* from doctors d cross join lateral searchable(d) s order by s.place;

-- A near search reads the first two: places of the cover, a box around the disk and the fees within the index, then rows of the page and
-- those about as near. A listing reads the others in their order until its page is full.
create index searchable_doctors_by_place on searchable_doctors (place, latitude, longitude, fee);
create index searchable_doctors_by_specialization on searchable_doctors (specialization_key, place, latitude, longitude, fee);
create index searchable_doctors_by_name on searchable_doctors (name, id) include (fee);
create index searchable_doctors_by_city on searchable_doctors (city_key, name, id) include (specialization_key, fee);
create index searchable_doctors_by_specialization_name on searchable_doctors (specialization_key, name, id) include (fee);
create index searchable_doctors_by_name_part on searchable_doctors using gin (name_fold gin_trgm_ops);
create index searchable_doctors_by_clinic_name_part on searchable_doctors using gin (clinic_name_fold gin_trgm_ops);
drop index doctors_by_h3_r4, doctors_by_h3_r6, doctors_by_h3_r8, doctors_by_name, doctors_by_city, doctors_by_specialization,
  doctors_by_name_part, doctors_by_clinic_name_part;

-- To metres, halves upwards, as Math.round does: adding a half and rounding down would double the error of the sum.
create function rounded_km(km float8) returns float8
language sql immutable parallel safe
return (floor(km * 1000) + case when km * 1000 - floor(km * 1000) >= 0.5 then 1 else 0 end) / 1000;

-- All rows of a statement at once, so that a load of a million costs what it must.
create function list_new_doctors() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into searchable_doctors select s.* from added a cross join lateral searchable(row(a.*)::doctors) s order by s.place;
  return null;
end $$;
create trigger doctors_listed after insert on doctors referencing new table as added for each statement execute function list_new_doctors();

create function list_changed_doctor() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  delete from searchable_doctors where id = old.id;
  insert into searchable_doctors select * from searchable(new);
  return null;
end $$;
create trigger doctors_listed_anew after update on doctors for each row
when ((old.id, old.name, old.name_fold, old.specialization, old.specialization_key, old.consultation_fee, old.currency, old.clinic_id, old.clinic_name,
  old.clinic_name_fold, old.clinic_address, old.city, old.city_key, old.clinic_latitude, old.clinic_longitude, old.h3_r8, old.services, old.active)
  is distinct from (new.id, new.name, new.name_fold, new.specialization, new.specialization_key, new.consultation_fee, new.currency, new.clinic_id,
  new.clinic_name, new.clinic_name_fold, new.clinic_address, new.city, new.city_key, new.clinic_latitude, new.clinic_longitude, new.h3_r8,
  new.services, new.active))
execute function list_changed_doctor();

create function unlist_doctors() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if tg_op = 'TRUNCATE' then truncate searchable_doctors;
  else delete from searchable_doctors s using removed r where s.id = r.id;
  end if;
  return null;
end $$;
create trigger doctors_unlisted after delete on doctors referencing old table as removed for each statement execute function unlist_doctors();
create trigger doctors_unlisted_all after truncate on doctors for each statement execute function unlist_doctors();

grant select on searchable_doctors to pulsecal_app;
revoke all on function list_new_doctors, list_changed_doctor, unlist_doctors from public;

-- As before, and what searches read.
create or replace function analyze_hot_tables() returns void
language sql security definer set search_path = public, pg_temp as $$
  analyze appointments, events, room_events, doctors, searchable_doctors, patients, payments, rollups_due, doctor_days, idempotency_keys, audit_inbox
$$;
