-- Where the log stands. A default that reads it, so that whoever makes an account need not know of notifications.
create function event_log_head() returns bigint
language sql stable
return (select head from event_log);

-- Everything up to here this person has read. What was told before they came is history, not news.
alter table accounts add column read_up_to bigint not null default event_log_head();
