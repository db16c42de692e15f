import { createHash } from "node:crypto"
import postgres from "postgres"
import { openPool } from "../../core/db.ts"
import { migrate, readMigrations } from "../../core/migrations/migrate.ts"

/** The migrated database that every test clones, named by what sql/ holds. Made if the server has none of that name. */
export async function makeTemplate(adminUrl: string, sqlFolder: string): Promise<string> {
  const hash = createHash("sha256")
  for (const { name, checksum } of await readMigrations(sqlFolder)) hash.update(`${name} ${checksum}\n`)
  const name = `template_${hash.digest("hex").slice(0, 16)}`
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} })
  try {
    const [found] = await admin`select 1 from pg_database where datname = ${name}`
    if (found) return name
    // Made under another name first: what bears the name is complete.
    const making = `${name}_${process.pid}`
    await admin`create database ${admin(making)}`
    const pool = openPool(Object.assign(new URL(adminUrl), { pathname: `/${making}` }).href, { max: 1, name: "template" })
    await migrate(pool, sqlFolder).finally(() => pool.end({ timeout: 1 }))
    await admin`alter database ${admin(making)} rename to ${admin(name)}`
    return name
  } finally {
    await admin.end({ timeout: 1 })
  }
}
