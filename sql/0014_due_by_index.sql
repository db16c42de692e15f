-- Work is a queue: often next to empty, at times thousands of rows, of which most are dead until the next vacuum. A plan that was made
-- while it was empty reads all of it, and stays. So it is read by index, whatever it looked like then. Its room is used again, not given
-- back, which would lock out whoever writes.
create function rollups_are_due(doctor uuid) returns boolean language plpgsql stable set enable_seqscan = off as $$
begin
  return exists (select from rollups_due where doctor_id = doctor);
end $$;
alter table rollups_due set (vacuum_truncate = off);
