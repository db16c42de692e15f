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
    if (!result.success) throw broken("invalid", result.error.issues)
  })
  return saying(validator, { body: schema })
}

/** A query string: 400 for a repeated parameter, bad escapes, invalid UTF-8, NUL or a broken rule. Unknown parameters are ignored. */
export function query<S extends z.ZodObject>(schema: S) {
  const known = new Set(Object.keys(schema.shape))
  const validator = zValidator("query", schema, (result, c) => {
    cleanPairsOf(c.req.url, known)
    if (!result.success) throw broken("malformed", result.error.issues)
  })
  return saying(validator, { query: schema })
}

/** What {@link query} makes of a URL: the values, or what it refuses. */
export function queryReader<S extends z.ZodObject>(schema: S): (url: string) => z.infer<S> | Refusal {
  const known = new Set(Object.keys(schema.shape))
  return (url) => {
    try {
      // Clean, so no parameter that the schema knows comes twice.
      const values = Object.fromEntries(cleanPairsOf(url, known).map(([name, value = ""]) => [name, value]))
      const result = schema.safeParse(values)
      return result.success ? result.data : broken("malformed", result.error.issues)
    } catch (error) {
      if (error instanceof Refusal) return error
      throw error
    }
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
  pairsOf(url)
}

/** All pairs, of which no two have the same name where that is known. */
function cleanPairsOf(url: string, known: ReadonlySet<string>): Pair[] {
  const pairs = pairsOf(url)
  const seen = new Set<string>()
  for (const [name] of pairs) {
    if (seen.has(name) && known.has(name)) throw malformed(name, "must be given once")
    seen.add(name)
  }
  return pairs
}

type Pair = [name: string, value?: string]

function pairsOf(url: string): Pair[] {
  // A fragment is no part of it: whoever sends one, the router leaves it out as well.
  const hash = url.indexOf("#")
  const whole = hash < 0 ? url : url.slice(0, hash)
  const start = whole.indexOf("?")
  if (start < 0) return []
  const pairs = whole
    .slice(start + 1)
    .split("&")
    .map(pairOf)
  for (const [name, value] of pairs) if (value?.includes("\0") || name.includes("\0")) throw malformed(name, "must not contain NUL")
  return pairs
}

function pairOf(pair: string): Pair {
  const equals = pair.indexOf("=")
  const name = decode(equals < 0 ? pair : pair.slice(0, equals))
  // A name that cannot be read cannot be named.
  if (name === undefined) throw notUtf8("query")
  if (equals < 0) return [name]
  const value = decode(pair.slice(equals + 1))
  if (value === undefined) throw notUtf8(name)
  return [name, value]
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

function notUtf8(path: string): Refusal {
  return malformed(path, "is not percent-encoded UTF-8")
}

function malformed(path: string, message: string): Refusal {
  return new Refusal("malformed", `${path}: ${message}`, { issues: [{ path, message }] })
}

function broken(code: "malformed" | "invalid", issues: readonly z.core.$ZodIssue[]): Refusal {
  const errors = issues.flatMap(issuesOf)
  const [first] = errors
  return new Refusal(code, first ? `${first.path || "body"}: ${first.message}` : "The input breaks a rule.", { issues: errors })
}

/** Enough to mend any honest mistake; a bound on what a hostile body can make us answer. */
const ISSUES_MAX = 50

function issuesOf(issue: z.core.$ZodIssue): Issue[] {
  const path = issue.path.map(String)
  if (issue.code !== "unrecognized_keys") return [{ path: path.join("."), message: issue.message }]
  return issue.keys.slice(0, ISSUES_MAX).map((key) => ({ path: [...path, key.slice(0, 100)].join("."), message: "is not a known field" }))
}
