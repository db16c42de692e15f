/** Searches that must be refused, in the form in which they come; the tests of the endpoint have the same. */
import { BAD_QUERIES } from "../../../api/search/test-queries.ts"
import { ROUTE } from "./peers/question.ts"

export const BAD_PATHS: readonly string[] = BAD_QUERIES.map(({ query }) => `${ROUTE}?${query}`)
const BAD_REQUEST = 400
/** More of a query nobody reads in a table. */
const SHOWN_MAX = 60

type Problem = { errors?: { path: string }[] }

/** Throws unless each is answered 400 with its field named; the load generator sees no more than that it is refused. */
export async function requireRefusals(url: string, token: string): Promise<void> {
  for (const { query, path } of BAD_QUERIES) {
    const answer = await fetch(`${url}${ROUTE}?${query}`, { headers: { authorization: `Bearer ${token}` } })
    const { errors = [] } = (await answer.json()) as Problem
    if (answer.status !== BAD_REQUEST || !errors.some((error) => error.path === path))
      throw new Error(
        `${query.slice(0, 100)} is answered ${answer.status} and names ${errors.map((error) => error.path).join(", ")}, not ${path}`,
      )
  }
}

/** The nth of them as a person reads it. */
export function shownBadInput(nth: number): string {
  const { query } = BAD_QUERIES[nth] as (typeof BAD_QUERIES)[number]
  return query.length > SHOWN_MAX ? `${query.slice(0, SHOWN_MAX)}… (${query.length.toLocaleString("en")} characters)` : query
}
