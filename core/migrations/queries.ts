import type { Db } from "../db.ts"

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
