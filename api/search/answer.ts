/** What a search answers, whichever way it is served. */
import type { Context, TypedResponse } from "hono"
import type { SearchIndex } from "../../core/doctors/index/service.ts"
import type { SearchAnswer, SearchQuery } from "../../core/doctors/search/schema.ts"
import { type SearchDb, type SqlAnswer, searchJson } from "../../core/doctors/search/search.ts"

/** The doctor index, as searches see it. */
export type NearSearch = Pick<SearchIndex, "search">

/** Which way a search was served, as a metric of Server-Timing (https://www.w3.org/TR/server-timing). */
export const servedBy = (path: string) => `search;desc="${path}"`
export const SERVED_BY_INDEX = servedBy("index")

/** What takes longer than a moment: a search of the index that goes on, if there is one and it finds; otherwise one by SQL. */
export async function searchAtLength(db: SearchDb, query: SearchQuery, further: Further): Promise<LongAnswer> {
  const bytes = await further?.()
  return bytes ? { path: "index", bytes } : await searchJson(db, query)
}

export type Further = Exclude<ReturnType<NearSearch["search"]>, Uint8Array>
export type LongAnswer = { path: SqlAnswer["path"] | "index"; bytes: Uint8Array<ArrayBuffer> }
type Answered = Promise<Response & TypedResponse<SearchAnswer, 200, "json">>

export async function answerSearch(c: Context, db: SearchDb, index: NearSearch, query: SearchQuery): Answered {
  const found = index.search(query)
  // What is found at once is good until the next search: nobody may come in between.
  const { path, bytes } = found instanceof Uint8Array ? { path: "index", bytes: found } : await searchAtLength(db, query, found)
  c.header("Server-Timing", servedBy(path))
  return c.body(bytes, 200, { "Content-Type": "application/json" }) as unknown as Awaited<Answered>
}
