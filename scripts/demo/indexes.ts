/** Secondary indexes out of the way of a large load, and back exactly as the migrations made them. */
import type { Tx } from "../../core/db.ts"

/** Sorting a million rows for an index in memory; the server's own setting is not touched. */
const INDEX_MEMORY = "256MB"

/** Runs `load` without the tables' indexes (those of constraints stay) and foreign keys, then makes them again by their own definitions. */
export async function withoutIndexes(tx: Tx, tables: string[], load: () => Promise<void>, indexing: () => void): Promise<void> {
  const indexes = await tx<{ name: string; definition: string }[]>`
    select c.relname as name, pg_get_indexdef(i.indexrelid) as definition
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = any(${tables}::text[]::regclass[])
      and not exists (select from pg_constraint where conindid = i.indexrelid)
    order by c.relname`
  const keys = await tx<{ name: string; table: string; definition: string }[]>`
    select conname as name, conrelid::regclass::text as table, pg_get_constraintdef(oid) as definition
    from pg_constraint where contype = 'f' and conrelid = any(${tables}::text[]::regclass[])
    order by conname`
  for (const { name } of indexes) await tx`drop index ${tx(name)}`
  for (const { name, table } of keys) await tx`alter table ${tx(table)} drop constraint ${tx(name)}`
  await load()
  indexing()
  await tx`select set_config('maintenance_work_mem', ${INDEX_MEMORY}, true)`
  for (const { definition } of indexes) await tx.unsafe(definition)
  for (const { name, table, definition } of keys) await tx`alter table ${tx(table)} add constraint ${tx(name)} ${tx.unsafe(definition)}`
}
