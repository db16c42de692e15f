/** The OpenAPI 3.1 document, made from what the routes say of themselves. */
import type { RouterRoute } from "hono/types"
import { findTargetHandler } from "hono/utils/handler"
import type { z } from "zod"
import { EXAMPLES } from "../../core/examples.ts"
import { uuid } from "../../core/fields.ts"
import { type Answer, type Operation, type Part, partOf, TAGS } from "./describe.ts"
import { type JsonSchema, Schemas } from "./json-schema.ts"
import { exampleProblem, PROBLEMS, Problem, RETRIED } from "./problems.ts"

const OPENAPI_VERSION = "3.1.0"
const IDEMPOTENCY_KEY_MAX = 255

const ABOUT = `REST of PulseCal. Every change is also told over Socket.IO, namespace \`/notifications\` on the same port, the moment it
commits: see \`GET /api/v1/notifications\` for the events. Instants are RFC 3339 in UTC; days are read in the doctor's zone; money is a
number beside its ISO 4217 currency. Problems are RFC 9457.`

export type OpenApi = {
  openapi: string
  info: Record<string, unknown>
  paths: Record<string, Record<string, JsonSchema>>
  components: Record<string, Record<string, JsonSchema>>
  [more: string]: unknown
}

/** Throws if a route says nothing of itself. */
export function openApiOf(routes: readonly RouterRoute[], version: string): OpenApi {
  const schemas = new Schemas()
  const paths: OpenApi["paths"] = {}
  for (const { method, path, part } of describedRoutes(routes)) {
    if (!part.operation) throw new Error(`${method} ${path} does not say what it is`)
    const template = path.replace(/:(\w+)/g, "{$1}")
    paths[template] = { ...paths[template], [method.toLowerCase()]: operationObject(schemas, method, path, part, part.operation) }
  }
  schemas.of(Problem, "output")
  return {
    openapi: OPENAPI_VERSION,
    info: { title: "PulseCal", version, description: ABOUT, license: { name: "Unlicensed", identifier: "UNLICENSED" } },
    servers: [{ url: "/", description: "The server that this document came from." }],
    security: [{ firebase: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: schemas.components,
      responses: {
        ...Object.fromEntries(Object.keys(PROBLEMS).map((status) => [problemName(Number(status)), problemObject(Number(status))])),
        RequestHeaderFieldsTooLarge: { description: "The headers have more than 16 KiB. The server says so before any route is asked." },
      },
      headers: HEADERS,
      securitySchemes: { firebase: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "A Firebase ID token." } },
    },
  }
}

type DescribedRoute = { method: string; path: string; part: Part }

/** Every endpoint once, all that its handlers say put together. What is mounted for all methods surrounds endpoints and is none. */
export function describedRoutes(routes: readonly RouterRoute[]): DescribedRoute[] {
  const found = new Map<string, DescribedRoute>()
  for (const { method, path, handler } of routes) {
    if (method === "ALL") continue
    const route = found.get(`${method} ${path}`) ?? { method, path, part: {} }
    Object.assign(route.part, partOf(findTargetHandler(handler)))
    found.set(`${method} ${path}`, route)
  }
  return [...found.values()]
}

function operationObject(schemas: Schemas, method: string, path: string, part: Part, said: Operation): JsonSchema {
  const isPost = method === "POST"
  const parameters = [...pathParameters(schemas, path, said), ...queryParameters(schemas, part.query), ...(isPost ? [IDEMPOTENCY_KEY] : [])]
  const answers = Object.entries(said.answers).map(([status, answer]) => [status, answerObject(schemas, answer, part, isPost)])
  const problems = [...problemsOf(method, path, part, said)].sort(([a], [b]) => a - b)
  return {
    operationId: said.id,
    tags: [said.tag],
    summary: said.summary,
    description: [said.description, whoMayCall(part)].filter(Boolean).join(" "),
    ...(part.caller ? {} : { security: [] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(part.body ? { requestBody: { required: true, content: { "application/json": mediaOf(schemas, part.body, "input") } } } : {}),
    responses: Object.fromEntries([
      ...answers,
      ["431", { $ref: "#/components/responses/RequestHeaderFieldsTooLarge" }],
      ...problems.map(([status, description]) => [status, { $ref: `#/components/responses/${problemName(status)}`, description }]),
    ]),
  }
}

function whoMayCall({ caller }: Part): string {
  if (caller === undefined) return "No token is needed."
  return caller === "anyone" ? "For anyone signed in." : `For ${caller.join(" or ")}.`
}

function pathParameters(schemas: Schemas, path: string, { path: own = {} }: Operation): JsonSchema[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) =>
    parameterObject(schemas, "path", name, own[name] ?? idAfter(path, name), true),
  )
}

/** What stands before an id in a path tells whose id it is. */
function idAfter(path: string, name: string): z.ZodType {
  const [, of = ""] = path.match(new RegExp(`(\\w+)/:${name}\\b`)) ?? []
  return uuid.meta({ example: EXAMPLE_IDS[of] })
}

const EXAMPLE_IDS: Record<string, string> = {
  doctors: EXAMPLES.doctorId,
  appointments: EXAMPLES.appointmentId,
  queue: EXAMPLES.appointmentId,
  payments: EXAMPLES.paymentId,
  receptionists: EXAMPLES.receptionistId,
}

function queryParameters(schemas: Schemas, query: z.ZodObject | undefined): JsonSchema[] {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) =>
    parameterObject(schemas, "query", name, schema as z.ZodType, !(schema as z.ZodType).safeParse(undefined).success),
  )
}

function parameterObject(schemas: Schemas, place: "path" | "query", name: string, of: z.ZodType, required: boolean): JsonSchema {
  const { description, example, ...schema } = schemas.of(of, "input")
  return { name, in: place, required, ...(description ? { description } : {}), schema, ...(example === undefined ? {} : { example }) }
}

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "A call that is sent again with the same key and body gets its first answer again. Kept for 24 hours.",
  schema: { type: "string", minLength: 1, maxLength: IDEMPOTENCY_KEY_MAX },
  example: "9f0b7a52-booking-1",
}

const HEADERS = {
  "X-Request-Id": { description: "Names this call in our logs.", schema: { type: "string" } },
  RateLimit: {
    description: "What is left of the caller's limit, while limits are on.",
    schema: { type: "string" },
    example: '"reads";r=1198;t=41',
  },
  "RateLimit-Policy": {
    description: "The caller's limit, while limits are on.",
    schema: { type: "string" },
    example: '"reads";q=1200;w=60',
  },
  "Retry-After": { description: "Seconds to wait before trying again.", schema: { type: "integer", minimum: 1 }, example: 2 },
  "Idempotency-Replayed": { description: "`true` if this is the first answer again.", schema: { type: "string", enum: ["true"] } },
}
const headers = (...names: (keyof typeof HEADERS)[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

function answerObject(schemas: Schemas, answer: Answer, part: Part, isPost: boolean): JsonSchema {
  return {
    description: answer.description ?? "Done.",
    headers: headers(
      "X-Request-Id",
      ...(part.caller ? (["RateLimit", "RateLimit-Policy"] as const) : []),
      ...(isPost ? (["Idempotency-Replayed"] as const) : []),
    ),
    content: answer.schema
      ? { "application/json": mediaOf(schemas, answer.schema, "output") }
      : { [answer.mediaType ?? "text/plain"]: { schema: { type: "string" } } },
  }
}

function mediaOf(schemas: Schemas, of: z.ZodType, side: "input" | "output"): JsonSchema {
  const schema = schemas.of(of, side)
  const examples = of.meta()?.examples as unknown[] | undefined
  if (!examples) return { schema }
  return { schema, examples: Object.fromEntries(examples.map((value, i) => [`example${i + 1}`, { value }])) }
}

/** Which problems a route can answer, and when. */
function problemsOf(method: string, path: string, part: Part, said: Operation): Map<number, string> {
  const statuses = new Set<number>()
  const add = (applies: boolean, ...more: number[]) => {
    if (applies) for (const status of more) statuses.add(status)
  }
  add(part.body !== undefined, 413, 415, 422)
  add(part.caller !== undefined, 400, 401, 429, 503)
  add(Array.isArray(part.caller), 403)
  add(path.includes(":"), 404)
  add(method === "POST", 409)
  add(true, ...Object.keys(said.problems ?? {}).map(Number))
  return new Map([...statuses].map((status) => [status, said.problems?.[status] ?? PROBLEMS[status]?.description ?? ""]))
}

const problemName = (status: number) => (PROBLEMS[status]?.title ?? "Error").replaceAll(" ", "")

function problemObject(status: number): JsonSchema {
  return {
    description: PROBLEMS[status]?.description,
    headers: headers("X-Request-Id", ...(RETRIED.has(status) ? (["Retry-After"] as const) : [])),
    content: {
      "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" }, example: exampleProblem(status) },
    },
  }
}
