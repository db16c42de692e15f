/** Decides which path serves a search. */
import type { SearchQuery } from "./schema.ts"

export type Position = { latitude: number; longitude: number }

export type SearchPlan =
  /** Around a position, by filters that the cells' index answers alone. */
  | { path: "sql-near"; around: Position }
  /** Around a position, by any filters. */
  | { path: "sql-near-filtered"; around: Position }
  /** By name. */
  | { path: "sql-listing" }

export function planSearch(q: SearchQuery): SearchPlan {
  if (q.latitude === undefined || q.longitude === undefined) return { path: "sql-listing" }
  const around = { latitude: q.latitude, longitude: q.longitude }
  const beyondTheIndex = [q.name, q.clinicName, q.city].some((filter) => filter !== undefined)
  return { path: beyondTheIndex ? "sql-near-filtered" : "sql-near", around }
}
