/** Random query strings of searches. */
import fc from "fast-check"
import { SearchQuery } from "../../core/doctors/search/schema.ts"

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
/** Parameters of all kinds, good and bad, in any order. */
export const anyQuery = fc
  .tuple(fc.oneof(place, fc.constant(["latitude=40.7", "longitude=-74.01"]), fc.constant([])), fc.array(pair, { maxLength: 6 }))
  .chain(([first, rest]) => fc.shuffledSubarray([...first, ...rest], { minLength: first.length + rest.length }))
  .map((pairs) => pairs.join("&"))

const degrees = (max: number) => fc.double({ min: -max, max, noNaN: true }).map((d) => d.toFixed(6))
const words = fc.oneof(
  fc.constantFrom("Cardiology", "Family medicine", "São Paulo", "Zürich", "Łukasz", "O'Neil", "日本", "a&b=c", "100%", "😀"),
  fc.string({ unit: "grapheme", maxLength: 40 }).filter((s) => !/[\0\ufffd]/.test(s)),
)
/** What a client that means well asks: its fields, not yet escaped. */
export const ordinary = fc.record(
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
export const mutatedQuery = fc
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

const NEAR = "latitude=40.7&longitude=-74"
/** Queries that are refused, with the parameter at fault. */
export const BAD_QUERIES: readonly { query: string; path: string }[] = [
  { query: `${NEAR}&page=1000000000`, path: "page" },
  { query: `${NEAR}&radius=0`, path: "radius" },
  { query: `${NEAR}&radius=-1`, path: "radius" },
  { query: `${NEAR}&radius=NaN`, path: "radius" },
  { query: `${NEAR}&radius=Infinity`, path: "radius" },
  { query: `${NEAR}&radius=1e309`, path: "radius" },
  { query: "latitude=91&longitude=1", path: "latitude" },
  { query: "latitude=40.7", path: "longitude" },
  { query: "longitude=1", path: "latitude" },
  { query: `${NEAR}&latitude=40.7`, path: "latitude" },
  { query: `${NEAR}&city=Paris&city=Paris`, path: "city" },
  { query: `${NEAR}&latitude#=40.7`, path: "latitude" },
  { query: `${NEAR}&limit=0`, path: "limit" },
  { query: `${NEAR}&minFee=2&maxFee=1`, path: "minFee" },
  { query: `${NEAR}&name=${"x".repeat(10_240)}`, path: "name" },
  { query: `${NEAR}&name=a%00`, path: "name" },
  { query: `${NEAR}&name=%C3%28`, path: "name" },
  { query: `${NEAR}&name=%ff`, path: "name" },
  { query: `${NEAR}&name=%`, path: "name" },
  { query: `${NEAR}&name=100%`, path: "name" },
  { query: `${NEAR}&name=%EF%BF%BD`, path: "name" },
  { query: `${NEAR}&city=%ED%A0%80&name=%`, path: "city" },
  { query: "latitude=%&longitude=%ff", path: "latitude" },
  { query: `${NEAR}&n%61me=%zz`, path: "name" },
  { query: `${NEAR}&unknown=%zz`, path: "unknown" },
  // A name that cannot be read.
  { query: `${NEAR}&%zz=1`, path: "query" },
  { query: `${NEAR}&name%=%`, path: "query" },
]
