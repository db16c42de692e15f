-- The processes run as a role that may do what they do and no more. Whoever they log in as is a member of this one; `bun run migrate`
-- sees to that (core/migrations/run-role.ts). A migration that makes a table says here's how: what pulsecal_app may do to it.
do $$
begin
  if not exists (select from pg_roles where rolname = 'pulsecal_app') then
    create role pulsecal_app nologin;
  end if;
exception
  -- Another database of this server was migrated at the same moment.
  when duplicate_object or unique_violation then null;
  when insufficient_privilege then
    raise exception 'the role pulsecal_app is missing and % may not make it: "create role pulsecal_app nologin"', current_user;
end $$;

grant usage on schema public to pulsecal_app;
grant select on all tables in schema public to pulsecal_app;
grant usage on sequence queue_places to pulsecal_app;

-- People and their visits are never deleted.
grant insert, update on accounts, clinics, patients, doctors, receptionists, appointments, payments, clinic_queues, visits, doctor_paces,
  doctor_rollups, schedule_runs, work_cursor to pulsecal_app;
grant insert, update, delete on queue_entries, doctor_days, rollups_due, reminders_sent, idempotency_keys to pulsecal_app;

-- What was announced stays as it was announced: an event gets its offset, once it has committed, and nothing else.
grant insert on events, room_events to pulsecal_app;
grant update ("offset") on events to pulsecal_app;
grant update (head) on event_log to pulsecal_app;

-- Of the audit it may add what is to be sealed, have it sealed and read it.
revoke all on audit_inbox from pulsecal_app;
grant insert on audit_inbox to pulsecal_app;
revoke all on function audit_partition, seal_audit, drop_old_audit from public;
grant execute on function seal_audit, drop_old_audit to pulsecal_app;

-- Deletes the oldest events, in order and no more than `at_most`, up to the first that is not older than `before` or that the worker
-- has not read; raises the log's floor over them and takes them out of the rooms' lists. Returns how many. Runs as the owner: no other
-- way leads to a deletion, and none to what is younger than a day (an hour less, for clocks that differ).
create function delete_old_events(before timestamptz, at_most integer) returns bigint
language sql security definer set search_path = public, pg_temp as $$
  with log as materialized (select floor from event_log for update),
  oldest as materialized (
    select e."offset", e.occurred_at from log, events e
    where e."offset" > log.floor and e."offset" <= (select "offset" from work_cursor) order by e."offset" limit at_most),
  young as (
    select coalesce(min("offset"), (select max("offset") + 1 from oldest)) as "offset" from oldest
    where occurred_at >= least(before, now() - interval '23 hours')),
  gone as (
    delete from events e using young
    where e."offset" is not null and e."offset" < young."offset" and e."offset" in (select "offset" from oldest)
    returning e."offset", e.rooms),
  unlisted as (
    delete from room_events r using (select g."offset", room from gone g cross join unnest(g.rooms) as room) l
    where r.room = l.room and r."offset" = l."offset"),
  raised as (
    update event_log set floor = (select max("offset") from gone) where exists (select from gone))
  select count(*) from gone
$$;

-- The planner's statistics are the owner's to make.
create function analyze_hot_tables() returns void
language sql security definer set search_path = public, pg_temp as $$
  analyze appointments, events, room_events, doctors, patients, payments, rollups_due, doctor_days, idempotency_keys, audit_inbox
$$;

revoke all on function delete_old_events, analyze_hot_tables from public;
grant execute on function delete_old_events, analyze_hot_tables to pulsecal_app;
