-- Processes that hold all doctors in memory load them from what searches read: the answers' JSON is ready there, and an index has it
-- in the order of places. The version tells them which later change is news.
alter table searchable_doctors add column version integer not null default 1;
update searchable_doctors s set version = d.version from doctors d where d.id = s.id and d.version <> 1;
alter table searchable_doctors alter column version drop default;

-- The row of a doctor; none of one who is not active.
create or replace function searchable(d doctors) returns setof searchable_doctors
language sql stable as $$
  select ((d.h3_r8 >> 21) & 2147483647)::int4, d.clinic_latitude, d.clinic_longitude, d.consultation_fee::float8, d.id,
    concat('{"id":"', d.id, '","name":', to_json(d.name), ',"specialization":', to_json(d.specialization),
      ',"consultationFee":', trim_scale(d.consultation_fee), ',"currency":', to_json(d.currency), ',"clinicId":"', d.clinic_id,
      '","clinicName":', to_json(d.clinic_name), ',"clinicAddress":', to_json(d.clinic_address), ',"city":', to_json(d.city),
      ',"clinicLatitude":', degree_json(d.clinic_latitude), ',"clinicLongitude":', degree_json(d.clinic_longitude),
      ',"services":', to_json(d.services), ',"distanceKm":'),
    d.specialization_key, d.city_key, d.name, d.name_fold, d.clinic_name_fold, d.version
  where d.active
$$;

-- What searches do not show grows the version as well: the row stays where it is, for no index has the version. Triggers fire by name, so
-- a row that was listed anew has the version already, and is left alone.
create function note_listed_version() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update searchable_doctors set version = new.version where id = new.id and version <> new.version;
  return null;
end $$;
create trigger doctors_listed_version after update on doctors for each row
when (old.version is distinct from new.version) execute function note_listed_version();
revoke all on function note_listed_version from public;
