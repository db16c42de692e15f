-- The event log in partitions, so that what is no longer kept goes as whole files and nobody but the owner can delete an event.
--
--   events                      by list of "offset"
--     events_waiting            null: committed and not yet published. All that a booking touches, and no partition can be missing for it
--     events_published          all others, by range of "offset"
--       events_from_1 …         dropped one by one from the oldest; the newest has no end, so none can be missing here either
--   room_events                 by the same ranges
--     room_events_from_1 …
--
-- To make or drop a partition locks events_published and room_events, never events or events_waiting: a booking does not wait for it.
-- Publishing an event moves its row, which costs what its new version did before: a row and one entry of an index.

-- Which there are. `ends` is the first offset after it, null: the newest. Opened and closed: when it was first seen to hold an event, and
-- to hold all it will; every event in it was written before that.
create table event_partitions (
  starts     bigint not null,
  ends       bigint,
  opened_at  timestamptz,
  closed_at  timestamptz,
  constraint event_partitions_pkey primary key (starts),
  constraint event_partitions_order check (ends > starts)
);

-- Makes the newest partition of both tables, from the offset on. Attached, which locks no reader out.
create function add_event_partition(starting bigint) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  parent text;
begin
  foreach parent in array array['events', 'room_events'] loop
    execute format('create table %I (like %I including defaults including constraints)', parent || '_from_' || starting, parent);
    execute format('alter table %I attach partition %I for values from (%s) to (maxvalue)',
      case parent when 'events' then 'events_published' else parent end, parent || '_from_' || starting, starting);
  end loop;
  insert into event_partitions (starts) values (starting);
end $$;

-- What is there stays where it is and becomes the first partition; only what waits for its offset moves.
do $$
declare
  log event_log;
  last bigint;
  drawn boolean;
begin
  lock table events, room_events in access exclusive mode;
  select * into log from event_log for update;
  select last_value, is_called into last, drawn from events_seq_seq;
  alter table events alter column seq drop identity;
  alter table events rename to events_before;
  drop index events_unpublished;
  drop index events_by_offset;
  alter table room_events rename to room_events_before;
  alter table room_events_before rename constraint room_events_pkey to room_events_before_pkey;

  create table events (
    seq          bigint      not null generated always as identity,
    id           uuid        not null,
    name         text        not null,
    subject      text        not null,
    rooms        text[]      not null,
    data         jsonb       not null,
    occurred_at  timestamptz not null default clock_timestamp(),
    "offset"     bigint
  ) partition by list ("offset");
  perform setval('events_seq_seq', last, drawn);
  -- Every row leaves it soon. Its room is used again, not given back: that would lock out whoever writes.
  create table events_waiting partition of events for values in (null)
    with (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_insert_threshold = 2000);
  create unique index events_unpublished on events_waiting (seq);
  create table events_published partition of events default partition by range ("offset");
  create unique index events_by_offset on events_published ("offset");
  create table room_events (
    room      text   not null,
    "offset"  bigint not null,
    constraint room_events_pkey primary key (room, "offset")
  ) partition by range ("offset");

  with waiting as (delete from events_before where "offset" is null returning *)
  insert into events (seq, id, name, subject, rooms, data, occurred_at) overriding system value
  select seq, id, name, subject, rooms, data, occurred_at from waiting order by seq;

  if log.head = log.floor then
    drop table events_before, room_events_before;
  else
    revoke all on events_before, room_events_before from pulsecal_app;
    execute format('alter table events_before rename to %I', 'events_from_' || log.floor + 1);
    execute format('alter table events_published attach partition %I for values from (%s) to (%s)',
      'events_from_' || log.floor + 1, log.floor + 1, log.head + 1);
    execute format('alter table room_events_before rename constraint room_events_before_pkey to %I', 'room_events_from_' || log.floor + 1 || '_pkey');
    execute format('alter table room_events_before rename to %I', 'room_events_from_' || log.floor + 1);
    execute format('alter table room_events attach partition %I for values from (%s) to (%s)',
      'room_events_from_' || log.floor + 1, log.floor + 1, log.head + 1);
    insert into event_partitions
    select log.floor + 1, log.head + 1, (select occurred_at from events where "offset" = log.floor + 1), clock_timestamp();
  end if;
  perform add_event_partition(log.head + 1);
end $$;
analyze events_waiting;

-- As before: what was announced stays as it was announced. Of the partitions themselves nothing is granted.
grant select on events, room_events to pulsecal_app;
grant insert (id, name, subject, rooms, data), update ("offset") on events to pulsecal_app;
grant insert on room_events to pulsecal_app;
grant select on event_partitions to pulsecal_app;

-- An entry's number is its place in the queue to the seal: drawn, never chosen.
revoke insert on audit_inbox from pulsecal_app;
grant insert (entry) on audit_inbox to pulsecal_app;

-- Sees to it that the partition that is being filled has an end and an empty one comes after it; true if there was something to do.
-- A partition ends after as many events as some nine tenths of `each` should bring, by those before, or, if they do not come, as soon as
-- one and a half `each` have passed. Until this is called the newest goes on without an end. All that is in a partition is looked through when it
-- gets another end, while the publisher and readers wait, 0.4 s a million events: so only when fewer come than were expected, or none of
-- this was done for long. Who cannot have the locks in time lets everybody go on and fails: call it again.
create function make_event_partitions(each interval) returns boolean
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '100ms' as $$
declare
  least_events constant bigint := 100000;
  most_events constant bigint := 10000000;
  span constant interval := greatest(each, interval '4 hours');
  plan record;
  spare record;
  parent text;
begin
  perform pg_advisory_xact_lock(7283645004);
  update event_partitions p
  set opened_at = coalesce(p.opened_at, clock_timestamp()), closed_at = case when p.ends <= l.head + 1 then clock_timestamp() end
  from event_log l where p.starts <= l.head and p.closed_at is null and (p.opened_at is null or p.ends <= l.head + 1);

  for locked in 0..1 loop
    select p.starts, l.head, case when p.ends is null then greatest(p.starts + coalesce(expected.events, least_events), l.head + 1) else l.head + 1 end as ends
    into plan
    from event_log l
    join event_partitions p on p.starts <= l.head
      and (p.ends is null or p.ends > l.head + 1 and p.opened_at < clock_timestamp() - 1.5 * span)
    left join lateral (
      select least(greatest(0.9 * (p.starts - b.starts) * extract(epoch from span)
        / greatest(extract(epoch from clock_timestamp() - b.opened_at), 60), least_events), most_events)::bigint as events
      from event_partitions b where b.ends = p.starts) expected on true;
    if not found then return false; end if;
    exit when locked = 1;
    -- Whoever publishes or reads lists of rooms takes them in this order.
    lock table only room_events, only events_published in access exclusive mode;
  end loop;
  if plan.head - plan.starts > 2 * most_events and not pg_has_role(session_user, current_user, 'member') then
    raise exception 'the partition events_from_% has grown to % events: to end it takes longer than a process may make others wait',
      plan.starts, plan.head - plan.starts using hint = 'call make_event_partitions as the owner';
  end if;

  for spare in delete from event_partitions p where p.starts > plan.head returning p.starts loop
    execute format('drop table %I, %I', 'events_from_' || spare.starts, 'room_events_from_' || spare.starts);
  end loop;
  foreach parent in array array['events', 'room_events'] loop
    execute format('alter table %I detach partition %I',
      case parent when 'events' then 'events_published' else parent end, parent || '_from_' || plan.starts);
    execute format('alter table %I attach partition %I for values from (%s) to (%s)',
      case parent when 'events' then 'events_published' else parent end, parent || '_from_' || plan.starts, plan.starts, plan.ends);
  end loop;
  update event_partitions set ends = plan.ends where starts = plan.starts;
  perform add_event_partition(plan.ends);
  return true;
end $$;

-- Drops the oldest partition and raises the log's floor over it, if all of it was written before `before`, published, and read by the
-- worker; returns how many events went. Runs as the owner: no other way leads to a deletion, and none to what is younger than a day (an
-- hour less, for clocks that differ). Who cannot have the locks in time lets everybody go on and fails: call it again.
drop function delete_old_events;
create function drop_old_events(before timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '100ms' as $$
declare
  oldest event_partitions;
  was bigint;
begin
  perform pg_advisory_xact_lock(7283645004);
  select * into oldest from event_partitions order by starts limit 1;
  if oldest.closed_at is null or oldest.closed_at >= least(before, now() - interval '23 hours')
    or not exists (select from work_cursor where "offset" >= oldest.ends - 1) then return 0; end if;
  lock table only room_events, only events_published in access exclusive mode;
  execute format('drop table %I, %I', 'events_from_' || oldest.starts, 'room_events_from_' || oldest.starts);
  delete from event_partitions where starts = oldest.starts;
  select floor into was from event_log;
  update event_log set floor = oldest.ends - 1;
  return oldest.ends - 1 - was;
end $$;

revoke all on function add_event_partition, make_event_partitions, drop_old_events from public;
grant execute on function make_event_partitions, drop_old_events to pulsecal_app;

-- Drops the oldest partition of the audit if every row of it was sealed before `before`; less than a year old none is, whoever asks.
-- Returns how many rows. Gives up as quickly as the others, and one at a time: what was dropped stays so.
create or replace function drop_old_audit(before timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '100ms' as $$
declare
  head audit_head;
  last audit_log;
begin
  select * into head from audit_head for update;
  select * into last from audit_log l where l.position = (head.floor / head.partition_rows + 1) * head.partition_rows;
  if last.position is null or last.sealed_at >= least(before, now() - interval '1 year') then return 0; end if;
  lock table only audit_log, only audit_subjects in access exclusive mode;
  execute format('drop table %I, %I', 'audit_log_' || head.floor / head.partition_rows, 'audit_subjects_' || head.floor / head.partition_rows);
  update audit_head set floor = last.position, floor_hash = last.hash, floor_at = last.sealed_at;
  delete from audit_checkpoints where position < last.position;
  return last.position - head.floor;
end $$;
