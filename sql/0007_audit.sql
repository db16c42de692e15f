-- Who read or changed which patient's data. Requests add to the inbox, in the transaction of a change or before an answer is sent;
-- a sealer moves what is there to the log, where each row has its place and a hash over the row before it. What an entry holds and
-- means: core/audit/entry.ts.

create table audit_inbox (
  id     bigint not null generated always as identity,
  entry  json   not null, -- as text, byte for byte: that is what is hashed
  constraint audit_inbox_pkey primary key (id),
  constraint audit_inbox_entry_bounded check (octet_length(entry::text) <= 65536)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_insert_threshold = 2000);

-- Hash: SHA-256 over the hash before it, the position and the microseconds of sealed_at (8 bytes each, big-endian), and the texts of
-- entry, patients and resources, a line feed between them. The first follows 32 bytes of zero.
create table audit_log (
  position   bigint      not null,
  sealed_at  timestamptz not null,
  entry      text        not null,
  patients   uuid[]      not null, -- whose data it was, in order
  resources  uuid[]      not null, -- of each patient: what was named of theirs; null if it was more than one
  hash       bytea       not null,
  constraint audit_log_pkey primary key (position)
) partition by range (position);

-- Each patient's places in the log, so that a patient's own list costs what it shows.
create table audit_subjects (
  patient_id  uuid   not null,
  position    bigint not null,
  constraint audit_subjects_pkey primary key (patient_id, position)
) partition by range (position);

-- One row: the log holds (floor, position], and what the next row and the first that is kept follow.
create table audit_head (
  singleton       boolean     not null default true,
  position        bigint      not null default 0,
  hash            bytea       not null default decode(repeat('00', 32), 'hex'),
  floor           bigint      not null default 0,
  floor_hash      bytea       not null default decode(repeat('00', 32), 'hex'),
  floor_at        timestamptz,             -- when the youngest row that is no longer kept was sealed
  checkpoint_at   timestamptz,
  partition_rows  bigint      not null default 1000000, -- some 500 MB: small enough to keep the limit to a few weeks, large enough to stay few
  constraint audit_head_pkey primary key (singleton),
  constraint audit_head_one_row check (singleton),
  constraint audit_head_order check (floor between 0 and position)
);
insert into audit_head default values;

-- What the log's hash was, at most once a minute.
create table audit_checkpoints (
  position   bigint      not null,
  hash       bytea       not null,
  sealed_at  timestamptz not null,
  constraint audit_checkpoints_pkey primary key (position)
);

-- Makes the partitions that hold the position. Attached, which locks no reader out.
create function audit_partition(at_position bigint, rows_each bigint) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  part bigint := (at_position - 1) / rows_each;
  parent text;
begin
  foreach parent in array array['audit_log', 'audit_subjects'] loop
    if to_regclass(format('%I', parent || '_' || part)) is null then
      execute format('create table %I (like %I including all)', parent || '_' || part, parent);
      execute format('alter table %I attach partition %I for values from (%s) to (%s)',
        parent, parent || '_' || part, part * rows_each + 1, (part + 1) * rows_each + 1);
    end if;
  end loop;
end $$;

-- Seals at most so many entries, oldest first. One at a time: who finds another sealing does nothing. Runs as the owner, so that the
-- role that calls it can write the log in no other way. `checkpoint`: this batch made one.
create function seal_audit(at_most integer, out sealed integer, out last_position bigint, out last_hash bytea, out checkpoint boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  head audit_head;
  told record;
  rows audit_log[] := '{}';
  now_at timestamptz := clock_timestamp();
  micros bigint := (extract(epoch from now_at) * 1000000)::bigint;
begin
  sealed := 0;
  checkpoint := false;
  if not pg_try_advisory_xact_lock(7283645003) then return; end if;
  select * into head from audit_head for update;
  last_position := head.position;
  last_hash := head.hash;
  if not exists (select from audit_inbox) then return; end if;
  perform audit_partition(last_position + 1, head.partition_rows);
  for told in
    with taken as materialized (
      delete from audit_inbox i
      where i.id = any (array(
        select id from audit_inbox order by id limit least(at_most, head.partition_rows - head.position % head.partition_rows)))
      returning i.id, i.entry),
    named as (
      select t.id as entry_id, named.id::uuid as id
      from taken t
      cross join lateral (
        select distinct n as id
        from json_array_elements_text(case when json_typeof(t.entry->'ids') = 'array' then t.entry->'ids' else '[]'::json end) n
        where n ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') named),
    concerned as (
      -- Each looked up by its id, however large the tables are: a plan made while they were small would read them whole.
      select n.entry_id, n.id, c.patient_id from named n cross join lateral (
        (select p.id as patient_id from patients p where p.id = n.id offset 0)
        union all (select a.patient_id from appointments a where a.id = n.id offset 0)
        union all (select p.patient_id from payments p where p.id = n.id offset 0)) c),
    each_patient as (
      select entry_id, patient_id, case when count(*) = 1 then (array_agg(id))[1] end as resource from concerned group by entry_id, patient_id),
    whose as (
      select entry_id, array_agg(patient_id order by patient_id) as patients, array_agg(resource order by patient_id) as resources
      from each_patient group by entry_id)
    select t.entry::text as entry, coalesce(w.patients, '{}') as patients, coalesce(w.resources, '{}') as resources
    from taken t left join whose w on w.entry_id = t.id order by t.id
  loop
    sealed := sealed + 1;
    last_position := last_position + 1;
    last_hash := sha256(last_hash || int8send(last_position) || int8send(micros) || convert_to(
      told.entry || E'\n' || array_to_string(told.patients, ',') || E'\n' || array_to_string(told.resources, ',', '-'), 'UTF8'));
    rows := rows || row(last_position, now_at, told.entry, told.patients, told.resources, last_hash)::audit_log;
  end loop;
  insert into audit_log select * from unnest(rows);
  insert into audit_subjects select patient, r.position from unnest(rows) r, unnest(r.patients) patient;
  checkpoint := sealed > 0 and coalesce(head.checkpoint_at < now_at - interval '1 minute', true);
  if checkpoint then insert into audit_checkpoints values (last_position, last_hash, now_at); end if;
  update audit_head h set position = last_position, hash = last_hash,
    checkpoint_at = case when checkpoint then now_at else h.checkpoint_at end;
end $$;

-- Drops the oldest partitions of which every row was sealed before `before`; less than a year old none is, whoever asks.
-- Returns how many rows.
create function drop_old_audit(before timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  head audit_head;
  last audit_log;
  dropped bigint := 0;
begin
  perform set_config('lock_timeout', '1s', true);
  select * into head from audit_head for update;
  loop
    select * into last from audit_log l where l.position = (head.floor / head.partition_rows + 1) * head.partition_rows;
    exit when last.position is null or last.sealed_at >= least(before, now() - interval '1 year');
    execute format('drop table %I, %I', 'audit_log_' || head.floor / head.partition_rows, 'audit_subjects_' || head.floor / head.partition_rows);
    dropped := dropped + last.position - head.floor;
    update audit_head set floor = last.position, floor_hash = last.hash, floor_at = last.sealed_at returning * into head;
  end loop;
  delete from audit_checkpoints where position < head.floor;
  return dropped;
end $$;
