/** Forward-only migrations: each in a transaction, all under one lock, each file's checksum kept. */
import { createHash } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Pool } from "../db.ts"
import { hasMigrations, insertMigration, listMigrations, lockMigrations, type MigrationRow, prepareMigrations } from "./queries.ts"

export type Migration = { name: string; sql: string; checksum: string }

export class MigrationError extends Error {
  override name = "MigrationError"
}

/** The migrations of a folder in their order. File names start with a number that decides it. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((f) => f.endsWith(".sql")).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(folder, name), "utf8")
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") }
    }),
  )
}

/** What is still to be applied. Throws a {@link MigrationError} naming a file that was edited, lost or slipped in before. */
export function pending(migrations: Migration[], applied: MigrationRow[]): Migration[] {
  for (const [i, row] of applied.entries()) {
    const file = migrations.find((m) => m.name === row.name)
    if (!file) throw new MigrationError(`${row.name} was applied to this database but is not in the sql folder`)
    if (file.checksum !== row.checksum) throw new MigrationError(`${row.name} was edited after it was applied; add a new migration instead`)
    if (migrations[i]?.name !== row.name)
      throw new MigrationError(`${migrations[i]?.name} comes before ${row.name}, which is applied already; number it after`)
  }
  return migrations.slice(applied.length)
}

/** Applies what is missing, each in its own transaction. Two callers at once apply each once. Returns the names applied. */
export async function migrate(pool: Pool, folder: string): Promise<string[]> {
  const migrations = await readMigrations(folder)
  const done: string[] = []
  for (;;) {
    const name = await pool.begin(async (tx) => {
      await lockMigrations(tx)
      await prepareMigrations(tx)
      const next = pending(migrations, await listMigrations(tx))[0]
      if (!next) return undefined
      await tx.unsafe(next.sql)
      await insertMigration(tx, next.name, next.checksum)
      return next.name
    })
    if (name === undefined) return done
    done.push(name)
  }
}

/** Whether the database has exactly the migrations of the folder. A process that serves checks this and applies nothing. */
export async function isMigrated(pool: Pool, folder: string): Promise<boolean> {
  const migrations = await readMigrations(folder)
  const applied = (await hasMigrations(pool)) ? await listMigrations(pool) : []
  return pending(migrations, applied).length === 0
}
