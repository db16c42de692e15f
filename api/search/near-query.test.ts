import { expect, test } from "bun:test"
import fc from "fast-check"
import { Hono } from "hono"
import { SearchQuery } from "../../core/doctors/search/schema.ts"
import { query } from "../validate.ts"
import { readNearQuery } from "./near-query.ts"

/** For a machine that is busy with other tests. */
const TIMEOUT_MS = 60_000
const PATH = "/search?"
const URL_START = `http://localhost${PATH}`

/** What the route's own validator makes of a query string; undefined: refused. */
async function validated(queryString: string): Promise<unknown> {
  let seen: unknown
  const app = new Hono().get("/search", query(SearchQuery), (c) => {
    seen = c.req.valid("query")
    return c.body(null)
  })
  app.onError((_, c) => c.body(null, 400))
  await app.fetch({ url: `${URL_START}${queryString}`, method: "GET", headers: new Headers() } as Request)
  return seen
}

const read = (queryString: string) => readNearQuery(`${URL_START}${queryString}`, URL_START.length)

const NAMES = Object.keys(SearchQuery.shape)
const oddValue = fc.constantFrom(
  "",
  "0",
  "-0",
  "+1",
  "%2B1",
  "1e3",
  "1E2",
  "1e309",
  "-1e-400",
  "NaN",
  "Infinity",
  ".5",
  "5.",
  "5.0",
  "1.0",
  "007",
  "-",
  "--1",
  "1.2.3",
  "0x10",
  "90",
  "-90",
  "90.0000001",
  "180",
  "-180.00001",
  "0.0000000001",
  "-0.0000000001",
  "500",
  "500.0001",
  "1000000000",
  "100",
  "101",
  "9007199254740993",
  "999999999999999",
  "1234567890123456",
  "0.1234567890123456",
  "123456789012345.6",
  "%",
  "%2",
  "%zz",
  "%C3%28",
  "%ff",
  "%00",
  "a%00b",
  "%ED%A0%80",
  "%F0%9F%98%80",
  "a+b",
  "a%20b",
  "a=b",
  "=",
  "a#b",
  "ü",
  "日本",
  "😀",
  " ",
  "\t",
  "%26",
  "a%26b",
  "x".repeat(200),
  "x".repeat(201),
  "%20".repeat(201),
  "%F0%9F%98%80".repeat(200),
)
const decimalText = fc
  .tuple(fc.constantFrom("", "-"), fc.integer({ min: 0, max: 600 }), fc.option(fc.stringMatching(/^\d{1,17}$/), { nil: undefined }))
  .map(([sign, whole, decimals]) => `${sign}${whole}${decimals === undefined ? "" : `.${decimals}`}`)
const escapedText = fc.string({ unit: "binary", maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed()))
const value = fc.oneof(decimalText, escapedText, oddValue, fc.string({ maxLength: 12 }), fc.stringMatching(/^[\w.+%-]{0,12}$/))
const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...NAMES) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("Latitude", "lat", "latitude%20", "n%61me", "_", "", "__proto__", "constructor", "x", "pagelimit", "minfee"),
  },
)
const pair = fc.oneof(
  { weight: 20, arbitrary: fc.tuple(name, value).map((p) => p.join("=")) },
  { weight: 1, arbitrary: fc.oneof(name, fc.string({ maxLength: 8 })) },
)
const place = fc.tuple(decimalText, decimalText).map(([latitude, longitude]) => [`latitude=${latitude}`, `longitude=${longitude}`])
const anyQuery = fc
  .tuple(fc.oneof(place, fc.constant(["latitude=40.7", "longitude=-74.01"]), fc.constant([])), fc.array(pair, { maxLength: 6 }))
  .chain(([first, rest]) => fc.shuffledSubarray([...first, ...rest], { minLength: first.length + rest.length }))
  .map((pairs) => pairs.join("&"))

const degrees = (max: number) => fc.double({ min: -max, max, noNaN: true }).map((d) => d.toFixed(6))
const words = fc.oneof(
  fc.constantFrom("Cardiology", "Family medicine", "São Paulo", "Zürich", "Łukasz", "O'Neil", "日本", "a&b=c", "100%", "😀"),
  fc.string({ unit: "grapheme", maxLength: 40 }).filter((s) => !s.includes("\0")),
)
const ordinary = fc.record(
  {
    latitude: degrees(90),
    longitude: degrees(180),
    radius: fc.oneof(
      fc.integer({ min: 1, max: 500 }),
      fc.double({ min: 0.01, max: 500, noNaN: true }).map((km) => km.toFixed(2)),
    ),
    specialization: words,
    name: words,
    clinicName: words,
    minFee: fc.integer({ min: 0, max: 99 }),
    maxFee: fc.constantFrom("100", "150.50", "99.99"),
    city: words,
    page: fc.integer({ min: 1, max: 50 }),
    limit: fc.integer({ min: 1, max: 100 }),
  },
  { requiredKeys: ["latitude", "longitude"] },
)

const ordinaryQuery = ordinary.map((fields) =>
  Object.entries(fields)
    .map(([k, v]) => `${k}=${encodeURIComponent(v)}`)
    .join("&"),
)

/** A query string with a few characters replaced, dropped or doubled. */
const mutated = fc
  .tuple(
    fc.oneof(anyQuery, ordinaryQuery),
    fc.array(
      fc.tuple(fc.nat(), fc.constantFrom("", "&", "=", "%", "+", "-", ".", "0", "9", "e", "#", "\0", "é", "page=1&"), fc.boolean()),
      { maxLength: 3 },
    ),
  )
  .map(([text, changes]) =>
    changes.reduce(
      (t, [at, put, replace]) => t.slice(0, at % (t.length + 1)) + put + t.slice((at % (t.length + 1)) + (replace ? 1 : 0)),
      text,
    ),
  )

test(
  "whatever is read is what the validator reads in the same query string",
  async () => {
    let sure = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyQuery, mutated), async (queryString) => {
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
  const near = "latitude=40.7&longitude=-74"
  const bad = [
    `${near}&page=1000000000`,
    `${near}&radius=0`,
    `${near}&radius=-1`,
    `${near}&radius=NaN`,
    `${near}&radius=Infinity`,
    `${near}&radius=1e309`,
    "latitude=91&longitude=1",
    "latitude=40.7",
    "longitude=1",
    `${near}&latitude=40.7`,
    `${near}&limit=0`,
    `${near}&minFee=2&maxFee=1`,
    `${near}&name=${"x".repeat(10_240)}`,
    `${near}&name=%C3%28`,
    `${near}&name=%`,
    `${near}&name=100%`,
    `${near}&name=a%00`,
  ]
  for (const queryString of bad) {
    expect([queryString.slice(0, 60), read(queryString)]).toEqual([queryString.slice(0, 60), undefined])
    expect(await validated(queryString)).toBeUndefined()
  }
})
