/**
 * Array types for postgres.js, which otherwise asks the server for them on every new connection, in a query that nobody
 * awaits: when that connection is lost meanwhile, the rejection ends the process.
 */
import type postgres from "postgres"

/** Element type to array type, by Postgres's fixed numbers: the types that the schema and its queries use. */
const ARRAY_OF: Record<number, number> = {
  16: 1000, // bool
  20: 1016, // int8
  21: 1005, // int2
  23: 1007, // int4
  25: 1009, // text
  701: 1022, // float8
  1043: 1015, // varchar
  1082: 1182, // date
  1184: 1185, // timestamptz
  1700: 1231, // numeric
  2950: 2951, // uuid
}

type Shared = { shared: { typeArrayMap: Record<number, number> } }

/** Makes a pool opened with `fetch_types: false` read and write arrays as it otherwise would. */
export function registerArrays<Types extends Record<string, unknown>>(pool: postgres.Sql<Types>): void {
  const { parsers, serializers } = pool.options
  for (const [key, array] of Object.entries(ARRAY_OF)) {
    const element = Number(key)
    const parse = parsers[element] ?? String
    const serialize = serializers[element] ?? String
    parsers[array] = (text: string) => parseArray(text, parse)
    serializers[array] = (values: unknown) => (Array.isArray(values) ? serializeArray(values, serialize) : values)
    // Where `sql.array(values, elementType)` looks; the driver's types do not show it.
    ;(pool.options as unknown as Shared).shared.typeArrayMap[element] = array
  }
}

/** One dimension: `{a,"b c",NULL}`. An element that needs no quotes has no comma, brace or backslash. */
function parseArray(text: string, parse: (value: string) => unknown): unknown[] {
  return Array.from(text.matchAll(/"((?:[^"\\]|\\.)*)"|([^{},]+)/gs), ([, quoted, bare = ""]) => {
    if (quoted !== undefined) return parse(quoted.replace(/\\(.)/gs, "$1"))
    return bare === "NULL" ? null : parse(bare)
  })
}

function serializeArray(values: unknown[], serialize: (value: unknown) => unknown): string {
  const quote = (value: unknown) => `"${String(serialize(value)).replace(/[\\"]/g, "\\$&")}"`
  return `{${values.map((value) => (value === null ? "null" : quote(value))).join(",")}}`
}
