/** Fields that nobody may set, names that objects know, and origins that only look like ours. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { z } from "zod"
import { describedRoutes, type OpenApi, openApiOf } from "../../api/description/openapi.ts"
import { CALLS } from "../authorization/calls.ts"
import { type Answer, doctorInput, request, testApi } from "../harness/api.ts"
import { type Cast, castOf, type RoleName } from "../harness/cast.ts"
import { digestOf } from "../harness/contents.ts"
import { FOREIGN_KEYS } from "./arbitraries.ts"
import { ORIGINS, REFUSED_ORIGINS } from "./origins.ts"

let api: Awaited<ReturnType<typeof testApi>>
let cast: Cast
beforeAll(async () => {
  api = await testApi({ CORS_ORIGIN: ORIGINS.join(",") })
  cast = await castOf(api)
}, 30_000)
afterAll(() => api[Symbol.asyncDispose]())

/** Of each call with a body, someone who may make it. */
const ALLOWED: Record<string, RoleName> = {
  "POST /api/v1/patients": "newcomer",
  "POST /api/v1/patients (walk-in)": "desk",
  "PATCH /api/v1/patients/me": "patient",
  "POST /api/v1/doctors": "newcomer",
  "POST /api/v1/doctors (joining, right code)": "newcomer",
  "PATCH /api/v1/doctors/me": "doctor",
  "POST /api/v1/appointments": "patient",
  "POST /api/v1/appointments (for the patient)": "desk",
  "PUT /api/v1/appointments/:id (CONFIRMED)": "doctor",
  "PUT /api/v1/appointments/:id (another time)": "patient",
  "POST /api/v1/payments": "patient",
  "POST /api/v1/payments (without appointment)": "doctor",
  "PUT /api/v1/payments/:id/status": "desk",
  "POST /api/v1/receptionists": "newcomer",
  "PUT /api/v1/receptionists/:id": "doctor",
  "POST /api/v1/receptionists/queue/next": "desk",
  "PUT /api/v1/receptionists/queue/:appointmentId": "doctor",
  "PUT /api/v1/notifications/read": "patient",
}

const send = (name: string, path: string, role: RoleName, text: string): Promise<Answer> =>
  request(`${api.url}${path}`, {
    method: name.split(" ")[0],
    headers: { authorization: `Bearer ${cast.of(role).token}`, "content-type": "application/json" },
    body: text,
  })

test("every route that takes a body is tried", () => {
  const withBody = describedRoutes(api.app.routes).filter(({ part }) => part.body)
  const tried = new Set(Object.keys(ALLOWED).map((name) => name.split(" (")[0]))
  expect(withBody.map(({ method, path }) => `${method} ${path}`).filter((name) => !tried.has(name))).toEqual([])
})

describe.each(Object.entries(ALLOWED))("%s", (name, role) => {
  const make = async () => await (CALLS[name] as NonNullable<(typeof CALLS)[string]>)(cast, role)
  const schemaKeys = () => {
    const route = describedRoutes(api.app.routes).find(({ method, path }) => `${method} ${path}` === name.split(" (")[0])
    if (!(route?.part.body instanceof z.ZodObject)) throw new Error(`${name} takes no object`)
    return new Set(Object.keys(route.part.body.shape))
  }

  test("no field is taken that is not in its description, and what is refused writes nothing", async () => {
    const { path, body } = await make()
    const known = schemaKeys()
    const before = await digestOf(api.database.pool)
    for (const key of FOREIGN_KEYS.filter((key) => !known.has(key)))
      for (const value of ['"x"', "null", "true", '{"x":1}', `"${cast.otherClinicId}"`]) {
        const answer = await send(name, path, role, `{"${key}":${value},${JSON.stringify(body).slice(1)}`)
        expect([key, value, answer.status]).toEqual([key, value, 422])
        if (key !== "__proto__") expect(answer.body.errors.map((e: { path: string }) => e.path)).toContain(key)
      }
    expect(await digestOf(api.database.pool)).toBe(before)
    // The call itself was right: it is what was added that was refused.
    expect((await send(name, path, role, JSON.stringify(body))).status).toBeLessThan(300)
  })
})

/** What is taken where an object is taken within a body, and what has to come with it. */
const NESTED: Record<string, object> = {
  card: { method: "CARD", card: { number: "4012888888881881", expMonth: 12, expYear: 2090, holder: "Pat Quill" } },
  workingHours: { workingHours: doctorInput.workingHours },
}

type Schema = { $ref?: string; properties?: Record<string, Schema>; items?: Schema; additionalProperties?: Schema | boolean } & Partial<
  Record<"anyOf" | "oneOf" | "allOf", Schema[]>
>
type Place = { path: string[]; known: string[] }

/** The objects within what a schema takes, by the document's own account; `[]`: of a list, `*`: under any name. */
function objectsIn(document: OpenApi, schema: Schema, path: string[] = []): Place[] {
  if (schema.$ref) return objectsIn(document, document.components.schemas?.[schema.$ref.split("/").at(-1) as string] as Schema, path)
  const either = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((those) => those ?? []).flatMap((one) => objectsIn(document, one, path))
  const named = Object.entries(schema.properties ?? {})
  const within = named.flatMap(([name, one]) => objectsIn(document, one, [...path, name]))
  const listed = schema.items ? objectsIn(document, schema.items, [...path, "[]"]) : []
  const any = typeof schema.additionalProperties === "object" ? objectsIn(document, schema.additionalProperties, [...path, "*"]) : []
  const own = schema.properties && path.length > 0 ? [{ path, known: named.map(([name]) => name) }] : []
  return [...either, ...own, ...within, ...listed, ...any]
}

test("no field is taken within an object of a body, either, that is not in its description", async () => {
  const document = openApiOf(api.app.routes, "test")
  const tried: string[] = []
  for (const [name, role] of Object.entries(ALLOWED)) {
    const [method = "", path = ""] = (name.split(" (")[0] as string).split(" ")
    const operation = document.paths[path.replace(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()]
    const { schema } =
      (operation as { requestBody: { content: Record<string, { schema: Schema }> } }).requestBody.content["application/json"] ?? {}
    for (const place of objectsIn(document, schema as Schema)) {
      const [field = "", ...deeper] = place.path
      if (!NESTED[field] || deeper.length > 0) throw new Error(`${name}: nobody says what stands at ${place.path.join(".")}`)
      tried.push(`${name} ${field}`)
      await refusesWithin(name, role, field, new Set(place.known))
    }
  }
  expect(tried).toEqual([
    "POST /api/v1/doctors workingHours",
    "POST /api/v1/doctors (joining, right code) workingHours",
    "PATCH /api/v1/doctors/me workingHours",
    "POST /api/v1/payments card",
    "POST /api/v1/payments (without appointment) card",
  ])
}, 60_000)

async function refusesWithin(name: string, role: RoleName, field: string, known: Set<string>): Promise<void> {
  const call = await (CALLS[name] as NonNullable<(typeof CALLS)[string]>)(cast, role)
  const body = { ...(call.body as object), ...NESTED[field] } as Record<string, object>
  const before = await digestOf(api.database.pool)
  for (const key of FOREIGN_KEYS.filter((key) => !known.has(key)))
    for (const value of ['"x"', "null", '{"x":1}', `"${cast.otherClinicId}"`]) {
      // As text: an object literal could not hold all of the names.
      const text = JSON.stringify({ ...body, [field]: { HERE: 0, ...body[field] } }).replace('"HERE":0', `${JSON.stringify(key)}:${value}`)
      const answer = await send(name, call.path, role, text)
      expect([name, key, value, answer.status]).toEqual([name, key, value, 422])
      if (key !== "__proto__") expect(answer.body.errors.map((e: { path: string }) => e.path)).toContain(`${field}.${key}`)
    }
  expect(await digestOf(api.database.pool)).toBe(before)
  expect((await send(name, call.path, role, JSON.stringify(body))).status).toBeLessThan(300)
}

test("nothing that was sent has become a property of all objects", async () => {
  const polluting = [
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"name":{"__proto__":{"polluted":1}}}',
  ]
  for (const [name, role] of Object.entries(ALLOWED)) {
    const { path } = await (CALLS[name] as NonNullable<(typeof CALLS)[string]>)(cast, role)
    for (const text of polluting) expect((await send(name, path, role, text)).status).toBe(422)
  }
  const { token } = cast.of("patient")
  const headers = { authorization: `Bearer ${token}`, __proto__: "x", constructor: "y", "x-__proto__": "z" }
  for (const query of [
    "__proto__=1",
    "__proto__[polluted]=1",
    "constructor.prototype.polluted=1",
    "constructor[prototype][polluted]=1",
    "limit[__proto__]=1",
  ])
    for (const path of ["/doctors/search", "/appointments", "/payments", "/notifications", "/nothing"])
      expect([200, 404]).toContain((await request(`${api.url}/api/v1${path}?${query}`, { headers })).status)
  // The API runs in this very process.
  expect("polluted" in {}).toBe(false)
  expect(Object.keys(Object.prototype)).toEqual([])
})

describe("another origin", () => {
  const ask = (path: string, origin: string, method = "GET") =>
    fetch(`${api.url}${path}`, {
      method,
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
    })

  test("is told nothing that a browser would take for leave, on any path, preflight or not, error or not", async () => {
    for (const origin of REFUSED_ORIGINS)
      for (const path of ["/api/v1/me", "/api/v1/nothing", "/health", "/openapi.json"])
        for (const method of ["GET", "OPTIONS", "POST"]) {
          const { headers } = await ask(path, origin, method)
          expect([origin, method, path, headers.get("access-control-allow-origin")]).toEqual([origin, method, path, null])
          expect(headers.get("access-control-allow-credentials")).toBeNull()
          expect(headers.get("vary")).toContain("Origin")
        }
  })

  test("our own are let in by exactly their name, and never with credentials", async () => {
    for (const origin of ORIGINS)
      for (const method of ["GET", "OPTIONS"]) {
        const { headers } = await ask("/api/v1/me", origin, method)
        expect([origin, headers.get("access-control-allow-origin")]).toEqual([origin, origin])
        expect(headers.get("access-control-allow-credentials")).toBeNull()
        expect(headers.get("vary")).toContain("Origin")
      }
  })
})
