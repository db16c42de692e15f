/** What a search answers, whichever way it is served. */
import type { Context, TypedResponse } from "hono"
import type { SearchAnswer, SearchQuery } from "../../core/doctors/search/schema.ts"
import { type SearchDb, searchJson } from "../../core/doctors/search/search.ts"

/** The doctor index, as searches see it. */
export type NearSearch = {
  /** The answer's JSON in UTF-8; undefined where the index cannot answer. */
  search: (query: SearchQuery) => Uint8Array<ArrayBuffer> | undefined
}

/** Which way a search was served, as a metric of Server-Timing (https://www.w3.org/TR/server-timing). */
export const servedBy = (path: string) => `search;desc="${path}"`
export const SERVED_BY_INDEX = servedBy("index")

type Answered = Promise<Response & TypedResponse<SearchAnswer, 200, "json">>

export async function answerSearch(c: Context, db: SearchDb, index: NearSearch, query: SearchQuery): Answered {
  const indexed = index.search(query)
  const { path, bytes } = indexed ? { path: "index", bytes: indexed } : await searchJson(db, query)
  c.header("Server-Timing", servedBy(path))
  return c.body(bytes, 200, { "Content-Type": "application/json" }) as unknown as Awaited<Answered>
}
