/** All that a database holds, in one line. */
import type { Pool } from "../../core/db.ts"
import { until } from "./services.ts"

/** The contents of every table but the audit's, which writes down refusals too: equal before and after means that nothing else was written. */
export async function digestOf(pool: Pool): Promise<string> {
  await settled(pool)
  const tables = await pool<{ name: string }[]>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not like 'audit%' order by table_name`
  const digests = await Promise.all(
    tables.map(async ({ name }) => {
      const [row] = await pool`select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest from ${pool(name)} t`
      return `${name} ${row?.digest}`
    }),
  )
  return digests.join("\n")
}

/** An event gets its offset soon after its commit, which would look like something that was written. */
async function settled(pool: Pool): Promise<void> {
  await until("all events have their offsets", async () => {
    const [row] = await pool`select count(*) as waiting from events where "offset" is null`
    return row?.waiting === 0
  })
}
