-- The transaction that made or last changed a patient. Whoever remembers names asks for what was changed by transactions that its last
-- reading could not see yet, which their commits' order cannot hide as it could with a time: core/receptionists/day-book.ts.
alter table patients add column changed_in xid8 not null default pg_current_xact_id();
create index patients_by_change on patients (changed_in);
