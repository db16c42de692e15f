/** Decides which path serves a search. */
import { fold } from "../../text.ts"
import type { SearchQuery } from "./schema.ts"

export type Position = { latitude: number; longitude: number }

export type SearchPlan =
  /** Around a position, from memory. */
  { path: "index"; near: SearchQuery & Position } | SqlPlan

export type SqlPlan =
  /** Around a position, cell by cell. */
  | { path: "sql-near"; around: Position }
  /** Around a position, where a part of a name may be the better way in. */
  | { path: "sql-near-named"; around: Position }
  /** By name. */
  | { path: "sql-listing" }

/** Up to here, reading every doctor around a city's centre takes less time than collecting all who bear a name. Measured at a million. */
const NAME_FIRST_KM = 25
/** The index of names is made of three letters or digits in a row. */
const INDEXED_PART = /[\p{L}\p{N}]{3}/u

/** `indexed`: this process holds an index that is ready. It serves all that has a position. */
export function planSearch(q: SearchQuery, indexed: boolean): SearchPlan {
  return indexed && isNear(q) ? { path: "index", near: q } : planSql(q)
}

export function isNear(q: SearchQuery): q is SearchQuery & Position {
  return q.latitude !== undefined && q.longitude !== undefined
}

export function planSql(q: SearchQuery): SqlPlan {
  if (!isNear(q)) return { path: "sql-listing" }
  const around = { latitude: q.latitude, longitude: q.longitude }
  const nameFirst = q.radius > NAME_FIRST_KM && [q.name, q.clinicName].some((part) => part !== undefined && INDEXED_PART.test(fold(part)))
  return { path: nameFirst ? "sql-near-named" : "sql-near", around }
}
