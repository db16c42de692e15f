/** Requests made from the description: to every operation, right and almost right, and wrong in all the ways we know of. */
import fc from "fast-check"
import type { OpenApi } from "../../api/description/openapi.ts"
import { Arbitraries, FOREIGN_KEYS, KINDS_OF_IDS, type Known, oddText, oddValue } from "./arbitraries.ts"

export type HostileRequest = {
  /** Which operation it was made from. */
  operation: string
  method: string
  target: string
  headers: [string, string][]
  /** As it is sent, if it is. */
  body?: string
}

type Parameter = { name: string; in: "path" | "query" | "header"; required: boolean; schema: object; example?: unknown }
type Operation = {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: object; examples?: Record<string, { value: unknown }> }> }
}

const OTHER_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
const CONTENT_TYPES = [
  ...["text/plain", "application/json; charset=utf-16", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
  ...["application/vnd.api+json", "application/jsonx", "application/json, text/plain", "", "APPLICATION/JSON", "application/json;"],
]
/** Headers that somebody somewhere trusts. */
const ODD_HEADERS: [string, string][] = [
  ["X-HTTP-Method-Override", "DELETE"],
  ["X-Forwarded-For", "127.0.0.1"],
  ["X-Forwarded-Host", "evil.example"],
  ["X-Original-URL", "/api/v1/me"],
  ["X-User-Id", "admin"],
  ["X-Request-Id", "a".repeat(300)],
  ["X-Request-Id", "<b>\t'\""],
  ["__proto__", "polluted"],
  ["constructor", "polluted"],
  ["Cookie", "a=b; __proto__=c; session=1"],
  ["Origin", "null"],
  ["Origin", "https://evil.example"],
  ["Content-Encoding", "gzip"],
  ["Accept", "text/html;q=0.1, */*;q=0"],
  ["Accept-Encoding", "identity;q=0, *;q=0"],
  ["Range", "bytes=0-0,1-1,2-2"],
  ["If-None-Match", "*"],
  ["Expect", "202-accepted"],
  ["Forwarded", 'for="_x";host=y'],
  ["Via", "1.1 x"],
]

export class Requests {
  readonly #arbitraries: Arbitraries

  constructor(document: OpenApi, known: Known) {
    this.#arbitraries = new Arbitraries(document, known)
    this.all = fc.oneof(
      ...Object.entries(document.paths).flatMap(([template, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({
          arbitrary: this.#of(method.toUpperCase(), template, operation as Operation),
          weight: template.startsWith("/api/") ? 4 : 1,
        })),
      ),
    )
  }

  readonly all: fc.Arbitrary<HostileRequest>

  #of(method: string, template: string, { parameters = [], requestBody }: Operation): fc.Arbitrary<HostileRequest> {
    const path = this.#path(
      template,
      parameters.filter((p) => p.in === "path"),
    )
    const query = this.#query(parameters.filter((p) => p.in === "query"))
    const content = requestBody?.content["application/json"]
    const body = content
      ? this.#body(content.schema)
      : fc.option(
          oddValue.map((v) => JSON.stringify(v)),
          { nil: undefined, freq: 20 },
        )
    const headers = this.#headers(method, content !== undefined)
    const sent = fc.oneof({ weight: 40, arbitrary: fc.constant(method) }, { weight: 1, arbitrary: fc.constantFrom(...OTHER_METHODS) })
    return fc.tuple(sent, path, query, headers, body).map(([sent, path, query, headers, body]) => ({
      operation: `${method} ${template}`,
      method: sent,
      target: `${path}${query}`,
      headers,
      body,
    }))
  }

  #path(template: string, parameters: Parameter[]): fc.Arbitrary<string> {
    const parts = template.split(/\{\w+\}/)
    if (parts.length === 1) return fc.constant(template)
    const odd = fc.oneof(oddText, fc.string({ unit: "binary", maxLength: 20 })).map(escaped)
    const raw = fc.constantFrom("%", "%zz", "%ff", "%c0%af", "..%2f", "%2e%2e", ";x=1", "a%00b", "\u0080".repeat(3), "*", "@", "%25%30%30")
    const kind =
      KINDS_OF_IDS.find((kind) => template.includes(`/${kind}s/{`)) ?? (template.includes("/queue/{") ? "appointment" : undefined)
    const ids = parameters.map(({ name, schema }) => {
      const good = name.toLowerCase().endsWith("id") ? this.#arbitraries.id(kind) : this.#arbitraries.of(schema).map(String)
      return fc.oneof({ weight: 13, arbitrary: good }, { weight: 1, arbitrary: odd }, { weight: 1, arbitrary: raw })
    })
    return fc.tuple(...ids).map((ids) => parts.map((part, i) => part + (ids[i] ?? "")).join(""))
  }

  #query(parameters: Parameter[]): fc.Arbitrary<string> {
    const pairs = parameters.map(({ name, required, schema, example }) => {
      const own = this.#arbitraries.of(schema, name)
      const good = (example === undefined ? own : fc.oneof(own, fc.constant(example))).map((value) => `${name}=${escaped(String(value))}`)
      const odd = oddText.map((text) => `${name}=${escaped(text)}`)
      const raw = fc.constantFrom(
        name,
        `${name}=%`,
        `${name}=%ff`,
        `${name}[]=1`,
        `${name}[a]=1`,
        `${name}=1&${name}=2`,
        `${name.toUpperCase()}=1`,
      )
      const some = fc.oneof({ weight: 12, arbitrary: good }, { weight: 2, arbitrary: odd }, { weight: 1, arbitrary: raw })
      return required ? fc.option(some, { nil: "", freq: 20 }) : fc.option(some, { nil: "", freq: 1 })
    })
    const foreign = fc.constantFrom(...FOREIGN_KEYS).map((key) => `${key}=1`)
    const more = fc.oneof(
      { weight: 10, arbitrary: fc.constant("") },
      { weight: 1, arbitrary: foreign },
      { weight: 1, arbitrary: fc.constantFrom("&", "?", "=", "&&=&", "#x", "__proto__[a]=1") },
    )
    return fc.tuple(...pairs, more).map((all) => {
      const text = all.filter((pair) => pair !== "").join("&")
      return text === "" ? "" : `?${text}`
    })
  }

  #headers(method: string, hasBody: boolean): fc.Arbitrary<[string, string][]> {
    const type = fc.oneof(
      { weight: 30, arbitrary: fc.constant("application/json") },
      { weight: 1, arbitrary: fc.constantFrom(...CONTENT_TYPES) },
    )
    const key = fc.oneof(fc.uuid(), fc.constantFrom("same-key", "k".repeat(255), "k".repeat(256), "", "é"))
    const odd = fc.constantFrom(...ODD_HEADERS)
    return fc
      .tuple(type, fc.option(key, { freq: 3 }), fc.option(odd, { freq: 8 }))
      .map(([type, key, odd]) => [
        ...(hasBody ? [["Content-Type", type] as [string, string]] : []),
        ...(method === "POST" && key !== null ? [["Idempotency-Key", key] as [string, string]] : []),
        ...(odd === null ? [] : [odd]),
      ])
  }

  #body(schema: object): fc.Arbitrary<string> {
    const good = this.#arbitraries.of(schema)
    const changed = fc.tuple(good, fc.nat(), oddValue, fc.constantFrom(...FOREIGN_KEYS), fc.constantFrom(...KINDS)).map(change)
    const broken = fc.tuple(good, fc.nat(), oddText).map(([value, at, text]) => {
      const json = JSON.stringify(value)
      const cut = at % (json.length + 1)
      return `${json.slice(0, cut)}${at % 2 ? text : ""}`
    })
    const anything = oddValue.map((value) => JSON.stringify(value))
    return fc.oneof(
      { weight: 10, arbitrary: good.map((value) => JSON.stringify(value)) },
      { weight: 8, arbitrary: changed },
      { weight: 1, arbitrary: broken },
      { weight: 1, arbitrary: anything },
    )
  }
}

const KINDS = ["replace", "replace", "replace", "drop", "add", "add", "twice", "proto", "wrap", "deep", "huge"] as const

/** One thing wrong with it, as text: some of them no object could say. */
function change([value, which, odd, key, kind]: [unknown, number, unknown, string, (typeof KINDS)[number]]): string {
  const entries = Object.entries((value ?? {}) as object)
  const [name = key, own] = entries[which % Math.max(entries.length, 1)] ?? []
  const member = (k: string, v: unknown) => `${JSON.stringify(k)}:${JSON.stringify(v) ?? "null"}`
  const all = (changes: (k: string, v: unknown) => string[]) => `{${entries.flatMap(([k, v]) => changes(k, v)).join(",")}}`
  const rest = entries.map(([k, v]) => member(k, v))
  switch (kind) {
    case "replace":
      return all((k, v) => [member(k, k === name ? odd : v)])
    case "drop":
      return all((k, v) => (k === name ? [] : [member(k, v)]))
    case "add":
      return `{${[...rest, member(key, odd)].join(",")}}`
    case "twice":
      return `{${[...rest, member(name, odd), member(name, own)].join(",")}}`
    case "proto":
      return `{${[...rest, `"__proto__":{"role":"DOCTOR","status":"ACTIVE"}`, `"constructor":{"prototype":{"x":1}}`].join(",")}}`
    case "wrap":
      return JSON.stringify(which % 2 ? [value] : { data: value })
    case "deep":
      return all((k, v) => [k === name ? `${JSON.stringify(k)}:${"[".repeat(500)}${"]".repeat(500)}` : member(k, v)])
    case "huge":
      return all((k, v) => [k === name ? `${JSON.stringify(k)}:${which % 2 ? "1e999" : "-0.00000000000000000000001e-400"}` : member(k, v)])
  }
}

/** As a client writes it that escapes what it must; half a surrogate pair as its bytes would be. */
function escaped(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : "%ed%a0%80"
}
