import { type Db, maybeOne, one } from "../db.ts"

const MIGRATION_LOCK = 7_283_645_002
/** Migrations may rewrite large tables; whoever waits for them waits as long. */
const MIGRATION_TIMEOUT = "30min"

export type MigrationRow = { name: string; checksum: string }

export async function lockMigrations(tx: Db): Promise<void> {
  await tx`select set_config('statement_timeout', ${MIGRATION_TIMEOUT}, true), set_config('lock_timeout', ${MIGRATION_TIMEOUT}, true)`
  await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK})`
}

export async function prepareMigrations(tx: Db): Promise<void> {
  await tx`
    create table if not exists migrations (
      name        text        not null,
      checksum    text        not null,
      applied_at  timestamptz not null default now(),
      constraint migrations_pkey primary key (name))`
}

/** What is applied, in order; undefined-free: an empty database has none. */
export async function listMigrations(db: Db): Promise<MigrationRow[]> {
  return await db<MigrationRow[]>`select name, checksum from migrations order by name`
}

/** Whether any migration was ever applied, without creating anything. */
export async function hasMigrations(db: Db): Promise<boolean> {
  const rows = await db<{ found: boolean }[]>`select to_regclass('migrations') is not null as found`
  return rows[0]?.found ?? false
}

export async function insertMigration(tx: Db, name: string, checksum: string): Promise<void> {
  await tx`insert into migrations (name, checksum) values (${name}, ${checksum})`
}

/** `acting`: the session acts as it; otherwise it only logged in as it. `becomes`: a superuser whose member it is. `writes`: it may change the audit log. */
export type RolePowers = { name: string; acting: boolean; superuser: boolean; owner: boolean; becomes: string | null; writes: boolean }

/** What the roles of this session could undo: as a superuser, as the owner of what was migrated, or by what was granted to them. */
export async function listRolePowers(db: Db): Promise<RolePowers[]> {
  return await db<RolePowers[]>`
    select r.rolname as name, r.rolname = current_user as acting, r.rolsuper as superuser,
      coalesce((select pg_has_role(r.oid, relowner, 'member') from pg_class where oid = to_regclass('migrations')), false) as owner,
      (select min(s.rolname) from pg_roles s where s.rolsuper and s.oid <> r.oid and pg_has_role(r.oid, s.oid, 'member')) as becomes,
      coalesce(has_table_privilege(r.oid, to_regclass('audit_log'), 'insert, update, delete, truncate'), false) as writes
    from pg_roles r where r.rolname in (current_user, session_user) order by acting desc`
}

export async function hasRole(db: Db, role: string): Promise<boolean> {
  return maybeOne(await db`select 1 from pg_roles where rolname = ${role}`) !== undefined
}

/** What a session keeps to that says nothing of its own, in a text that PostgreSQL reads as a time. */
export type SessionBounds = { statement: string; lock: string; idleInTransaction: string }

/**
 * A role that may log in, is a member of pulsecal_app and owns nothing; one that another makes at the same moment is as good. `verifier`:
 * null for no password.
 */
export async function createRole(db: Db, role: string, verifier: string | null, bounds: SessionBounds): Promise<void> {
  const { statement } = one(
    await db<{ statement: string }[]>`
    select format('do $do$ begin
        create role %1$I login in role pulsecal_app%2$s;
        alter role %1$I set statement_timeout = %3$L;
        alter role %1$I set lock_timeout = %4$L;
        alter role %1$I set idle_in_transaction_session_timeout = %5$L;
      exception when duplicate_object or unique_violation then null; end $do$',
      ${role}::text, coalesce(format(' password %L', ${verifier}::text), ''), ${bounds.statement}::text, ${bounds.lock}::text,
      ${bounds.idleInTransaction}::text) as statement`,
  )
  await db.unsafe(statement)
}

/**
 * Makes the role a member of pulsecal_app, and nothing more of it: it cannot let others in. `as`: what it is to be afterwards, a "member" or
 * one that may also act as it ("set"). PostgreSQL tells these apart since 16: whoever made pulsecal_app without being a superuser is
 * the one and not the other.
 */
export async function grantAppRole(db: Db, role: string, as: "member" | "set"): Promise<void> {
  const { statement } = one(
    await db<{ statement: string | null }[]>`
    select case when not pg_has_role(oid, 'pulsecal_app',
        case when current_setting('server_version_num')::integer < 160000 then 'member' else ${as}::text end)
      then format('grant pulsecal_app to %I', rolname) end as statement
    from pg_roles where rolname = ${role}`,
  )
  if (statement) await db.unsafe(statement)
}
