import { expect, test } from "bun:test"
import fc from "fast-check"
import { Hono } from "hono"
import { SearchQuery } from "../../core/doctors/search/schema.ts"
import type { Refusal } from "../../core/errors.ts"
import { BadQuery, query, queryReader } from "../validate.ts"
import { readNearQuery } from "./near-query.ts"
import { anyQuery, BAD_QUERIES, mutatedQuery, ordinary } from "./test-queries.ts"

/** For a machine that is busy with other tests. */
const TIMEOUT_MS = 60_000
const PATH = "/search?"
const URL_START = `http://localhost${PATH}`

let seen: unknown
const route = new Hono().get("/search", query(SearchQuery), (c) => {
  seen = c.req.valid("query")
  return c.body(null)
})
let refused: Refusal | undefined
route.onError((error, c) => {
  refused = error as Refusal
  return c.body(null, 400)
})

/** What the route's own validator makes of a query string; undefined: refused. */
async function validated(queryString: string): Promise<unknown> {
  seen = undefined
  await route.fetch({ url: `${URL_START}${queryString}`, method: "GET", headers: new Headers() } as Request)
  return seen
}

const read = (queryString: string) => readNearQuery(`${URL_START}${queryString}`, URL_START.length)

test(
  "whatever is read is what the validator reads in the same query string",
  async () => {
    let sure = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyQuery, mutatedQuery), async (queryString) => {
        const fast = read(queryString)
        if (fast === undefined) return
        sure++
        const slow = await validated(queryString)
        expect(slow).toBeDefined()
        expect(withoutUndefined(fast)).toStrictEqual(slow as object)
      }),
      { numRuns: 20_000 },
    )
    expect(sure).toBeGreaterThan(2_000)
  },
  TIMEOUT_MS,
)

function withoutUndefined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined))
}

test(
  "every ordinary search is read, as URLSearchParams and as encodeURIComponent write it, in any order",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        ordinary.chain((fields) => fc.shuffledSubarray(Object.entries(fields), { minLength: Object.keys(fields).length })),
        async (fields) => {
          const texts = fields.map(([k, v]) => [k, String(v)] as [string, string])
          const escaped = texts.map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join("&")
          for (const queryString of [new URLSearchParams(texts).toString(), escaped]) {
            const fast = read(queryString)
            expect(fast).toBeDefined()
            expect(withoutUndefined(fast as object)).toStrictEqual((await validated(queryString)) as object)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  },
  TIMEOUT_MS,
)

test("each bad value is left to the validator, which refuses it", async () => {
  for (const { query: queryString } of BAD_QUERIES) {
    expect([queryString.slice(0, 60), read(queryString)]).toEqual([queryString.slice(0, 60), undefined])
    expect(await validated(queryString)).toBeUndefined()
  }
})

test(
  "what is read without a route is what the route reads, and refused in the same words",
  () => {
    const readAny = queryReader(SearchQuery)
    return fc.assert(
      fc.asyncProperty(fc.oneof(anyQuery, mutatedQuery), async (queryString) => {
        const slow = await validated(queryString)
        const fast = readAny(`${URL_START}${queryString}`)
        if (!(fast instanceof BadQuery)) return expect(fast).toStrictEqual(slow as typeof fast)
        expect(slow).toBeUndefined()
        expect([fast.code, fast.message, fast.issues]).toEqual([refused?.code, refused?.message, refused?.issues] as never)
      }),
      { numRuns: 5_000 },
    )
  },
  TIMEOUT_MS,
)
