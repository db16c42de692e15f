/** Validators for bodies, queries and ids, each with its description. What they refuse names the field. */
import { zValidator } from "@hono/zod-validator"
import type { Context } from "hono"
import { z } from "zod"
import { type Issue, notFound, Refusal } from "../core/errors.ts"
import { uuid } from "../core/fields.ts"
import { saying } from "./description/describe.ts"

/** A JSON body: 415 for another type, 400 for malformed JSON, 422 for a broken rule or an unknown field. */
export function body<S extends z.ZodType>(schema: S) {
  const validator = zValidator("json", schema, (result, c) => {
    requireJson(c)
    if (result.success) return
    const issues = result.error.issues.flatMap(issuesOf)
    throw new Refusal("invalid", firstOf(issues, "body"), { issues })
  })
  return saying(validator, { body: schema })
}

/** A query string: 400 for a repeated parameter, bad escapes, invalid UTF-8, NUL or a broken rule. Unknown parameters are ignored. */
export function query<S extends z.ZodObject>(schema: S) {
  const known = new Set(Object.keys(schema.shape))
  const validator = zValidator("query", schema, (result, c) => {
    const pairs = cleanPairsOf(c.req.url, known)
    if (pairs instanceof BadQuery) throw pairs.refusal()
    if (!result.success) throw new BadQuery(result.error.issues.flatMap(issuesOf)).refusal()
  })
  return saying(validator, { query: schema })
}

/** What {@link query} makes of a URL: the values, or what it refuses. */
export function queryReader<S extends z.ZodObject>(schema: S): (url: string) => z.infer<S> | BadQuery {
  const known = new Set(Object.keys(schema.shape))
  return (url) => {
    const pairs = cleanPairsOf(url, known)
    if (pairs instanceof BadQuery) return pairs
    // Clean, so no parameter that the schema knows comes twice.
    const values: Record<string, string> = Object.create(null)
    for (const [name, value = ""] of pairs) values[name] = value
    const result = parseQuietly(schema, values)
    return result.success ? result.data : new BadQuery(result.error.issues.flatMap(issuesOf))
  }
}

/** As `safeParse`, whose error has a stack that nobody reads here. */
const parseQuietly = z.core._safeParse(z.core.$ZodError)

/** Why a query is not taken, without an error's stack: making one takes longer than all the reading. */
export class BadQuery {
  readonly code = "malformed"
  readonly message: string

  constructor(readonly issues: Issue[]) {
    this.message = firstOf(issues, "query")
  }

  refusal(): Refusal {
    return new Refusal(this.code, this.message, { issues: this.issues })
  }
}

/** The id in a path. One that is no UUID is not there, whatever else is wrong with the call. */
export function pathId<Name extends string = "id">(what: string, name = "id" as Name) {
  return zValidator("param", z.object({ [name]: uuid } as Record<Name, typeof uuid>), (result) => {
    if (!result.success) throw notFound(what)
  })
}

function requireJson(c: Context): void {
  const type = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase() ?? ""
  if (!/^application\/([\w.-]+\+)?json$/.test(type)) throw new Refusal("unsupported_media_type", "The body must be application/json.")
}

/** 400 for a query that is not percent-encoded UTF-8 or holds NUL, whether anybody reads it or not. */
export function requireReadableQuery(url: string): void {
  const pairs = pairsOf(url)
  if (pairs instanceof BadQuery) throw pairs.refusal()
}

/** All pairs, of which no two have the same name where that is known. */
function cleanPairsOf(url: string, known: ReadonlySet<string>): Pair[] | BadQuery {
  const pairs = pairsOf(url)
  if (pairs instanceof BadQuery) return pairs
  const seen = new Set<string>()
  for (const [name] of pairs) {
    if (seen.has(name) && known.has(name)) return bad(name, "must be given once")
    seen.add(name)
  }
  return pairs
}

type Pair = [name: string, value?: string]

function pairsOf(url: string): Pair[] | BadQuery {
  // A fragment is no part of it: whoever sends one, the router leaves it out as well.
  const hash = url.indexOf("#")
  const whole = hash < 0 ? url : url.slice(0, hash)
  const start = whole.indexOf("?")
  if (start < 0) return []
  const pairs: Pair[] = []
  for (const text of whole.slice(start + 1).split("&")) {
    const pair = pairOf(text)
    if (pair instanceof BadQuery) return pair
    pairs.push(pair)
  }
  for (const [name, value] of pairs) if (value?.includes("\0") || name.includes("\0")) return bad(name, "must not contain NUL")
  return pairs
}

function pairOf(pair: string): Pair | BadQuery {
  const equals = pair.indexOf("=")
  const name = decode(equals < 0 ? pair : pair.slice(0, equals))
  // A name that cannot be read cannot be named.
  if (name === undefined) return notUtf8("query")
  if (equals < 0) return [name]
  const value = decode(pair.slice(equals + 1))
  return value === undefined ? notUtf8(name) : [name, value]
}

function decode(part: string): string | undefined {
  const spaced = part.replaceAll("+", " ")
  const decoded = spaced.includes("%") ? tryDecode(spaced) : spaced
  // Bytes that are no UTF-8 and came without escapes have become this before we see them; nobody means it.
  return decoded?.includes("\ufffd") ? undefined : decoded
}

function tryDecode(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

const notUtf8 = (path: string) => bad(path, "is not percent-encoded UTF-8")
const bad = (path: string, message: string) => new BadQuery([{ path, message }])

function firstOf([first]: readonly Issue[], whole: string): string {
  return first ? `${first.path || whole}: ${first.message}` : "The input breaks a rule."
}

/** Enough to mend any honest mistake; a bound on what a hostile body can make us answer. */
const ISSUES_MAX = 50

function issuesOf(issue: z.core.$ZodIssue): Issue[] {
  const path = issue.path.map(String)
  if (issue.code !== "unrecognized_keys") return [{ path: path.join("."), message: issue.message }]
  return issue.keys.slice(0, ISSUES_MAX).map((key) => ({ path: [...path, key.slice(0, 100)].join("."), message: "is not a known field" }))
}
