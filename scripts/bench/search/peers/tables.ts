/**
 * The peers' own tables: doctors as they are listed and nothing else, so that their rows are smaller than ours. As ours they stand in the
 * order of place, which for PostGIS is a Hilbert curve: beside `gist(geog)` 1.2 × as many searches a second as in the order of their making,
 * with `total` 1.4 ×. `cluster` by the index gave 1.1 and 1.25; by specialization and then by place, less than no order at all.
 */
import type { Pool } from "../../../../core/db.ts"
import type { Say } from "../../../services/say.ts"

/** Each has the indexes of one contender alone, so that the planner cannot borrow another's. */
const TABLES = {
  by_geog: ["create index by_geog_geog on peers.by_geog using gist (geog)"],
  // Without a specialization the second index is the better way in: this contender has both, and the planner chooses.
  by_both: [
    "create index by_both_both on peers.by_both using gist (specialization_key, geog)",
    "create index by_both_geog on peers.by_both using gist (geog)",
  ],
}

export async function makePeerTables(pool: Pool, say: Say): Promise<void> {
  await pool`create extension if not exists postgis`
  await pool`create extension if not exists btree_gist`
  await pool`create schema peers`
  await pool`create table peers.loads (name text primary key, seconds float8 not null)`
  for (const [table, indexes] of Object.entries(TABLES)) {
    say(`making the PostGIS table ${table}`)
    await pool.unsafe(`
      create table peers.${table} as
      select id, name, specialization, specialization_key, consultation_fee, currency, clinic_id, clinic_name, clinic_address,
        city, clinic_latitude, clinic_longitude, services,
        st_setsrid(st_makepoint(clinic_longitude, clinic_latitude), 4326)::geography as geog
      from doctors where active order by geog`)
    // The table is what is searched, as it is for PulseCal; its indexes alone are what gets it ready.
    const started = performance.now()
    for (const index of indexes) await pool.unsafe(index)
    await pool`insert into peers.loads (name, seconds) values (${table}, ${(performance.now() - started) / 1000})`
  }
}
