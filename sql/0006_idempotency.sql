-- First answers, kept so that a retry gets them again. Written in the transaction of the work they answer for.
create table idempotency_keys (
  caller       text        not null, -- the uid
  route        text        not null, -- method and template
  key          text        not null,
  body_digest  text        not null,
  answer       text        not null, -- the JSON as it was sent
  created_at   timestamptz not null default now(),
  constraint idempotency_keys_pkey primary key (caller, route, key),
  constraint idempotency_keys_key_length check (length(key) between 1 and 255)
);
create index idempotency_keys_by_age on idempotency_keys using brin (created_at);

-- The advisory lock of one key, apart from the doctors' locks.
create function idempotency_lock(caller text, route text, key text) returns bigint
language sql immutable parallel safe
return hashtextextended(caller || chr(1) || route || chr(1) || key, 1);
