import type { Db } from "../../db.ts"
import { TOTAL_MAX } from "../../pages.ts"
import { findNear, findNearNamed } from "./near.ts"
import { planSql, type SqlPlan } from "./plan.ts"
import { type Filters, type Found, filtersOf, listByName, listPageByName, type Window } from "./queries.ts"
import type { SearchAnswer, SearchQuery } from "./schema.ts"

/** Where searches go: those around a position to connections of their own (pool.ts), which a test may leave out. */
export type SearchDb = { pool: Db; near: Db }

/** The answer's JSON in UTF-8, and which way it was found. */
export type SqlAnswer = { path: SqlPlan["path"]; bytes: Uint8Array<ArrayBuffer> }

/** Doctors that pass every filter, by SQL: nearest first around a position, otherwise by name. Ties go by id. */
export async function searchJson(db: SearchDb, query: SearchQuery): Promise<SqlAnswer> {
  const plan = planSql(query)
  return { path: plan.path, bytes: answerOf(query, await find(db, plan, query)) }
}

/** As {@link searchJson}, read. */
export async function searchDoctors(db: Db, query: SearchQuery): Promise<SearchAnswer> {
  const { bytes } = await searchJson({ pool: db, near: db }, query)
  return JSON.parse(Buffer.from(bytes).toString()) as SearchAnswer
}

async function find({ pool, near }: SearchDb, plan: SqlPlan, query: SearchQuery): Promise<Found> {
  const filters = filtersOf(query)
  const window = { offset: (query.page - 1) * query.limit, limit: query.limit }
  switch (plan.path) {
    case "sql-near":
      return await findNear(near, { around: plan.around, radiusKm: query.radius, filters, window })
    case "sql-near-named":
      return await findNearNamed(near, pool, { around: plan.around, radiusKm: query.radius, filters, window })
    case "sql-listing":
      return await findByName(pool, filters, window)
    default:
      return plan satisfies never
  }
}

async function findByName(db: Db, filters: Filters, window: Window): Promise<Found> {
  const found = await listByName(db, filters, window)
  return found.hits > TOTAL_MAX ? await listPageByName(db, filters, window) : found
}

const OPENING = Buffer.from('{"data":[')
const NOTHING = Buffer.alloc(0)

function answerOf({ page, limit }: SearchQuery, { hits, json }: Found): Uint8Array<ArrayBuffer> {
  const total = `],"page":${page},"limit":${limit},"total":${Math.min(hits, TOTAL_MAX)},"totalIsExact":${hits <= TOTAL_MAX}}`
  return Buffer.concat([OPENING, json ?? NOTHING, Buffer.from(total)])
}
