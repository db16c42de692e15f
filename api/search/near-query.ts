/** Reads the query string of an ordinary search around a position without the schema, which takes ten times as long. */
import { RADIUS_MAX_KM, SearchQuery } from "../../core/doctors/search/schema.ts"
import { TEXT_MAX } from "../../core/fields.ts"
import { LIMIT_MAX, OFFSET_MAX } from "../../core/pages.ts"
import { QueryReader } from "./query-reader.ts"

export type NearQuery = SearchQuery & { latitude: number; longitude: number }

const DEFAULTS = SearchQuery.parse({})
const [LATITUDE_MAX, LONGITUDE_MAX] = [90, 180]

/** All fields from the start, so that every query has one shape. */
function blank(): Partial<SearchQuery> {
  return {
    latitude: undefined,
    longitude: undefined,
    radius: undefined,
    specialization: undefined,
    name: undefined,
    clinicName: undefined,
    minFee: undefined,
    maxFee: undefined,
    city: undefined,
    page: undefined,
    limit: undefined,
  }
}
type Draft = ReturnType<typeof blank>

/** By their first two letters, which no two of them share. */
const PARAMETERS = new Map((Object.keys(blank()) as (keyof Draft)[]).map((name) => [(name.charCodeAt(0) << 8) | name.charCodeAt(1), name]))

/**
 * What {@link SearchQuery} makes of the query string that begins at `from`. Undefined whenever that is not certain: a parameter that
 * is unknown, repeated, out of its range or written in an unusual way says nothing here, and the schema has the word.
 */
export function readNearQuery(url: string, from: number): NearQuery | undefined {
  const draft = blank()
  const reader = new QueryReader(url, from)
  do {
    const parameter = PARAMETERS.get(reader.firstTwo())
    if (parameter === undefined || !reader.skipName(parameter) || !take(draft, parameter, reader)) return undefined
  } while (reader.skipAmpersand())
  return reader.atEnd() ? complete(draft) : undefined
}

/** False unless this is the first value of the parameter, and a sure one. */
function take(draft: Draft, parameter: keyof Draft, reader: QueryReader): boolean {
  const before = draft[parameter]
  switch (parameter) {
    case "latitude":
      draft.latitude = reader.degrees(LATITUDE_MAX)
      break
    case "longitude":
      draft.longitude = reader.degrees(LONGITUDE_MAX)
      break
    case "radius":
      draft.radius = reader.decimal()
      break
    case "minFee":
      draft.minFee = reader.decimal()
      break
    case "maxFee":
      draft.maxFee = reader.decimal()
      break
    case "page":
      draft.page = reader.decimal()
      break
    case "limit":
      draft.limit = reader.decimal()
      break
    case "specialization":
      draft.specialization = reader.text(TEXT_MAX)
      break
    case "name":
      draft.name = reader.text(TEXT_MAX)
      break
    case "clinicName":
      draft.clinicName = reader.text(TEXT_MAX)
      break
    case "city":
      draft.city = reader.text(TEXT_MAX)
      break
    default:
      return parameter satisfies never
  }
  return before === undefined && draft[parameter] !== undefined
}

function complete(draft: Draft): NearQuery | undefined {
  draft.radius ??= DEFAULTS.radius
  draft.page ??= DEFAULTS.page
  draft.limit ??= DEFAULTS.limit
  const { latitude, longitude, radius, minFee, maxFee, page, limit } = draft
  const sure =
    latitude !== undefined &&
    longitude !== undefined &&
    radius > 0 &&
    radius <= RADIUS_MAX_KM &&
    Number.isInteger(page) &&
    page >= 1 &&
    Number.isInteger(limit) &&
    limit >= 1 &&
    limit <= LIMIT_MAX &&
    (page - 1) * limit < OFFSET_MAX &&
    !(minFee !== undefined && maxFee !== undefined && minFee > maxFee)
  return sure ? (draft as NearQuery) : undefined
}
