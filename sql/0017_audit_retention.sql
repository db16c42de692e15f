-- How long the audit is kept is the owner's to say: `bun run migrate` writes AUDIT_RETENTION_DAYS here, the role of the processes reads it.
create table audit_retention (
  singleton  boolean  not null default true,
  days       integer  not null,
  constraint audit_retention_pkey primary key (singleton),
  constraint audit_retention_one_row check (singleton),
  constraint audit_retention_bounded check (days between 366 and 36500)
);
insert into audit_retention (days) values (2192);
grant select on audit_retention to pulsecal_app;

-- Drops the oldest partition of the audit if every row of it was sealed before `before`; none that the owner still keeps, whoever asks.
-- Returns how many rows. Gives up as quickly as the others, and one at a time: what was dropped stays so.
create or replace function drop_old_audit(before timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '100ms' as $$
declare
  head audit_head;
  last audit_log;
  kept_since timestamptz;
begin
  select * into head from audit_head for update;
  select * into last from audit_log l where l.position = (head.floor / head.partition_rows + 1) * head.partition_rows;
  -- Twenty-four hours each, whatever clocks the session's zone has.
  select now() - days * interval '24 hours' into strict kept_since from audit_retention;
  if last.position is null or last.sealed_at >= least(before, kept_since) then return 0; end if;
  lock table only audit_log, only audit_subjects in access exclusive mode;
  execute format('drop table %I, %I', 'audit_log_' || head.floor / head.partition_rows, 'audit_subjects_' || head.floor / head.partition_rows);
  update audit_head set floor = last.position, floor_hash = last.hash, floor_at = last.sealed_at;
  delete from audit_checkpoints where position < last.position;
  return last.position - head.floor;
end $$;
