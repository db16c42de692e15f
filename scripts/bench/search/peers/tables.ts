/**
 * The peers' own tables: doctors as they are listed and nothing else, so that their rows are smaller than ours. As ours they stand in the
 * order of place, which for PostGIS is a Hilbert curve. (`cluster` by the index gave less, and by specialization and then by place less than no
 * order at all.) Beside them stands what a table is that has grown: rows in the order in which they came.
 */
import type { Pool } from "../../../../core/db.ts"
import type { Say } from "../../../services/say.ts"

const GEOG = ["geog"]
/** Without a specialization the second index is the better way in: who has both has the planner choose. */
const BOTH = ["specialization_key, geog", "geog"]

/** Each has the indexes of one contender alone, so that the planner cannot borrow another's. */
const TABLES = {
  by_geog: { order: "order by geog", indexes: GEOG },
  by_both: { order: "order by geog", indexes: BOTH },
  by_geog_as_came: { order: "", indexes: GEOG },
  by_both_as_came: { order: "", indexes: BOTH },
}
export type PeerTable = keyof typeof TABLES

export async function makePeerTables(pool: Pool, say: Say): Promise<void> {
  await pool`create extension if not exists postgis`
  await pool`create extension if not exists btree_gist`
  await pool`create schema peers`
  await pool`create table peers.loads (name text primary key, seconds float8 not null)`
  for (const [table, { order, indexes }] of Object.entries(TABLES)) {
    say(`making the PostGIS table ${table}`)
    await pool.unsafe(`
      create table peers.${table} as
      select id, name, specialization, specialization_key, consultation_fee, currency, clinic_id, clinic_name, clinic_address,
        city, clinic_latitude, clinic_longitude, services,
        st_setsrid(st_makepoint(clinic_longitude, clinic_latitude), 4326)::geography as geog
      from doctors where active ${order}`)
    // The table is what is searched, as it is for PulseCal; its indexes alone are what gets it ready.
    const started = performance.now()
    for (const columns of indexes) await pool.unsafe(`create index on peers.${table} using gist (${columns})`)
    await pool`insert into peers.loads (name, seconds) values (${table}, ${(performance.now() - started) / 1000})`
  }
}
