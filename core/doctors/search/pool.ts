import type { PoolOptions } from "../../db.ts"

/** One process keeps about three of the server's processors busy. More sessions cost each search a fifth: each has its own to remember. */
const CONNECTIONS_MAX = 4

/**
 * One plan a statement, for all values, by the indexes that were made for it: planning takes as long as the search, and a plan made while
 * the table was small would read it whole.
 */
const NEAR_SETTINGS = { plan_cache_mode: "force_generic_plan", enable_bitmapscan: "off", enable_seqscan: "off" }

/** Connections for searches around a position, where the process has so many for all else. */
export function nearPoolOptions(name: string, databasePool: number): PoolOptions {
  return { max: Math.min(databasePool, CONNECTIONS_MAX), name, settings: NEAR_SETTINGS }
}
