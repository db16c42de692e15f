/** `bun run migrate`: applies what is missing to the database of DATABASE_URL. Any number may run at the same time. */
import { join } from "node:path"
import { openPool } from "../core/db.ts"
import { migrate } from "../core/migrations/migrate.ts"
import { requireDatabase } from "./services/database.ts"
import { runCommand, SetupError } from "./services/say.ts"

await runCommand(async () => {
  const url = process.env.DATABASE_URL
  if (!url) throw new SetupError("DATABASE_URL: is required")
  await requireDatabase(url)
  const pool = openPool(url, { max: 1, name: "migrate" })
  try {
    const applied = await migrate(pool, join(import.meta.dir, "..", "sql"))
    console.log(applied.length === 0 ? "nothing to apply: the database is up to date" : `applied ${applied.join(", ")}`)
  } finally {
    await pool.end({ timeout: 1 })
  }
})
