import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { createConfig, lintFromString } from "@redocly/openapi-core"
import { EXAMPLES } from "../../core/examples.ts"
import { clinicOf, type Person, receptionistOf, request, type TestApi, testApi } from "../../tests/harness/api.ts"
import { Description } from "../../tests/harness/described.ts"
import type { JsonSchema } from "./json-schema.ts"
import type { OpenApi } from "./openapi.ts"

let api: TestApi
let document: OpenApi
let description: Description
beforeAll(async () => {
  api = await testApi()
  document = (await request(`${api.url}/openapi.json`)).body
  description = new Description(document)
})
afterAll(() => api[Symbol.asyncDispose]())

type Media = { schema: JsonSchema; example?: unknown; examples?: Record<string, { value: unknown }> }
type Parameter = { name: string; in: string; required: boolean; schema: JsonSchema; description?: string; example?: unknown }
type Operation = {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { $ref?: string; content?: Record<string, Media> }>
}
const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Operation })),
  )

describe("the document", () => {
  test("is OpenAPI 3.1 in which a public linter finds nothing, by its strictest rules", async () => {
    const config = await createConfig({ extends: ["recommended-strict"] })
    const found = await lintFromString({ source: JSON.stringify(document), absoluteRef: "openapi.json", config })
    expect(found.map((p) => `${p.ruleId} ${p.message} ${p.location[0]?.pointer}`)).toEqual([])
  })

  test("has every route there is, each POST with its Idempotency-Key, each call with a token but those that need none", () => {
    const found = operations().map(({ path, method, operation }) => ({
      call: `${method.toUpperCase()} ${path}`,
      keyed: operation.parameters?.some((p) => p.name === "Idempotency-Key") ?? false,
      open: "security" in operation,
    }))
    expect(found.map((f) => f.call).sort()).toEqual(CALLS)
    for (const { call, keyed, open } of found) {
      expect([call, keyed]).toEqual([call, call.startsWith("POST ")])
      expect([call, open]).toEqual([call, !call.includes("/api/v1/")])
    }
  })

  test("gives an example for every body, every answer in JSON and every problem, and each fits its own schema", () => {
    let checked = 0
    const media = (place: string[], { example, examples }: Media) => {
      const values = example === undefined ? Object.values(examples ?? {}).map((e) => e.value) : [example]
      expect([place.join("/"), values.length > 0]).toEqual([place.join("/"), true])
      for (const value of values)
        expect([place.join("/"), description.breachOf([...place, "schema"], value)]).toEqual([place.join("/"), undefined])
      checked += values.length
    }
    for (const { path, method, operation } of operations()) {
      const at = ["paths", path, method]
      for (const [type, body] of Object.entries(operation.requestBody?.content ?? {})) media([...at, "requestBody", "content", type], body)
      for (const [status, { content }] of Object.entries(operation.responses))
        for (const [type, answer] of Object.entries(content ?? {}))
          if (type.endsWith("json")) media([...at, "responses", status, "content", type], answer)
    }
    for (const [name, { content }] of Object.entries(document.components.responses as Operation["responses"]))
      for (const [type, answer] of Object.entries(content ?? {})) media(["components", "responses", name, "content", type], answer)
    expect(checked).toBeGreaterThan(40)
  })

  test("says of every parameter what it is, with an example that fits", () => {
    for (const { path, method, operation } of operations())
      for (const [i, p] of (operation.parameters ?? []).entries()) {
        const where = `${method} ${path} ${p.name}`
        expect([where, p.example !== undefined]).toEqual([where, true])
        expect([where, description.breachOf(["paths", path, method, "parameters", String(i), "schema"], p.example)]).toEqual([
          where,
          undefined,
        ])
      }
  })
})

const CALLS = [
  "GET /api/v1/appointments",
  "GET /api/v1/appointments/{id}",
  "GET /api/v1/audit/me",
  "GET /api/v1/doctors/analytics",
  "GET /api/v1/doctors/search",
  "GET /api/v1/doctors/{id}",
  "GET /api/v1/doctors/{id}/availability",
  "GET /api/v1/me",
  "GET /api/v1/notifications",
  "GET /api/v1/patients",
  "GET /api/v1/payments",
  "GET /api/v1/payments/{id}",
  "GET /api/v1/receptionists",
  "GET /api/v1/receptionists/queue",
  "GET /api/v1/receptionists/stats",
  "GET /docs",
  "GET /docs/{file}",
  "GET /health",
  "GET /health/ready",
  "GET /openapi.json",
  "PATCH /api/v1/doctors/me",
  "PATCH /api/v1/patients/me",
  "POST /api/v1/appointments",
  "POST /api/v1/doctors",
  "POST /api/v1/patients",
  "POST /api/v1/payments",
  "POST /api/v1/receptionists",
  "POST /api/v1/receptionists/queue/next",
  "PUT /api/v1/appointments/{id}",
  "PUT /api/v1/notifications/read",
  "PUT /api/v1/payments/{id}/status",
  "PUT /api/v1/receptionists/queue/{appointmentId}",
  "PUT /api/v1/receptionists/{id}",
]

describe("the examples", () => {
  test("are calls that work: each, sent with the ids and the slot of a clinic that exists, is answered with success", async () => {
    const sent = new Set<string>()
    for (const { path, method, operation } of operations()) {
      const bodies = Object.values(operation.requestBody?.content ?? {}).flatMap((m) => Object.values(m.examples ?? {}).map((e) => e.value))
      for (const body of bodies.length > 0 ? bodies : [undefined]) {
        const scene = await sceneFor(operation.operationId)
        const call = JSON.parse(inScene(JSON.stringify({ path: pathOf(path, operation), body }), scene.ids)) as {
          path: string
          body?: unknown
        }
        const headers: Record<string, string> = { ...scene.headers, "idempotency-key": Bun.randomUUIDv7() }
        if (call.body !== undefined) headers["content-type"] = "application/json"
        const answer = await fetch(api.url + call.path, {
          method: method.toUpperCase(),
          headers,
          body: call.body === undefined ? undefined : JSON.stringify(call.body),
        })
        const text = await answer.text()
        expect([operation.operationId, answer.status, answer.ok ? "" : text]).toEqual([operation.operationId, answer.status, ""])
        if (answer.headers.get("content-type")?.includes("json"))
          expect(
            description.faultOf(method.toUpperCase(), new URL(api.url + call.path).pathname, {
              status: answer.status,
              contentType: answer.headers.get("content-type"),
              body: JSON.parse(text),
            }),
          ).toBeUndefined()
        sent.add(operation.operationId)
      }
    }
    expect(sent.size).toBe(CALLS.length)
  }, 60_000)
})

/** The path with the examples of its parameters; ids are put in by the scene. */
function pathOf(template: string, { parameters = [] }: Operation): string {
  const path = template.replace(/\{(\w+)\}/g, (_, name) => String(parameters.find((p) => p.name === name)?.example))
  const query = parameters.filter((p) => p.in === "query").map((p) => `${p.name}=${encodeURIComponent(String(p.example))}`)
  return query.length > 0 ? `${path}?${query.join("&")}` : path
}

/** A clinic as the examples tell of it, and who makes the call. */
async function sceneFor(operationId: string): Promise<{ headers: Record<string, string>; ids: Record<string, string> }> {
  const clinic = await clinicOf(api)
  const desk = await receptionistOf(api, clinic.clinicId)
  const hopeful = api.person()
  const { body: link } = await hopeful.post("/receptionists", { clinicId: clinic.clinicId })
  const [slot, next] = clinic.slots as [{ start: string; end: string }, { start: string; end: string }]
  const { body: appointment } = await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt: next.start })
  const { body: payment } = await desk.post("/payments", { appointmentId: appointment.id, amount: 150, method: "CASH" })
  for (const status of MOVES[operationId] ?? []) await desk.put(`/appointments/${appointment.id}`, { status })
  const { doctor, patient } = clinic
  const callers: Record<string, Person> = { doctor, patient, desk, newcomer: api.person() }
  const caller = callers[CALLERS[operationId] ?? "desk"]
  return {
    headers: caller ? { authorization: `Bearer ${caller.token}` } : {},
    ids: {
      [EXAMPLES.doctorId]: clinic.doctorId,
      [EXAMPLES.patientId]: clinic.patientId,
      [EXAMPLES.clinicId]: clinic.clinicId,
      [EXAMPLES.appointmentId]: appointment.id,
      [EXAMPLES.paymentId]: payment.id,
      [EXAMPLES.receptionistId]: link.id,
      [EXAMPLES.start]: slot.start,
      // The first to be read: nothing has been published in this database when its version is still the first.
      '"upTo":1041': '"upTo":0',
    },
  }
}

/** What has happened to the visit before the call. */
const MOVES: Record<string, string[]> = { callNext: ["CONFIRMED", "WAITING"], reorderQueue: ["CONFIRMED", "WAITING"] }

/** Who calls, where it is not the front desk. */
const CALLERS: Record<string, string> = {
  createPatient: "newcomer",
  createDoctor: "newcomer",
  linkReceptionist: "newcomer",
  changePatient: "patient",
  bookAppointment: "patient",
  listAccess: "patient",
  changeDoctor: "doctor",
  readAnalytics: "doctor",
  decideReceptionist: "doctor",
}

function inScene(text: string, ids: Record<string, string>): string {
  return Object.entries(ids).reduce(
    (all, [example, real]) => all.replaceAll(example, real).replaceAll(encodeURIComponent(example), encodeURIComponent(real)),
    text,
  )
}

describe("the check that every answer of the tests goes through", () => {
  const appointment = () => ({ ...(document.components.schemas as Record<string, { examples: object[] }>).Appointment?.examples[0] })
  const fault = (body: unknown, status = 200, contentType = "application/json", path = `/api/v1/appointments/${EXAMPLES.appointmentId}`) =>
    description.faultOf("GET", path, { status, contentType, body })

  test("passes what the description says, and nothing else", () => {
    expect(fault(appointment())).toBeUndefined()
    expect(fault({ ...appointment(), extra: 1 })).toContain("additional")
    expect(fault({ ...appointment(), status: "LOST" })).toContain("status")
    expect(fault({ ...appointment(), scheduledAt: "2035-03-06T14:00:00+00:00" })).toContain("scheduledAt")
    const { reason: _, ...lacking } = appointment() as Record<string, unknown>
    expect(fault(lacking)).toContain("reason")
    expect(fault(appointment(), 202)).toContain("it may answer 200")
    expect(fault(appointment(), 200, "text/plain")).toContain("not text/plain")
    expect(fault({}, 500)).toContain("it may answer")
    expect(fault({}, 200, "application/json", "/api/v1/secrets")).toContain("no such operation")
  })
})

describe("the pages", () => {
  test("need no token, load nothing from anybody else, and are told by policy not to", async () => {
    const page = await fetch(`${api.url}/docs`)
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"])
    expect(page.headers.get("content-security-policy")).toStartWith("default-src 'self'")
    const links = [...(await page.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link as string)
    expect(links.length).toBeGreaterThan(3)
    for (const link of links) {
      expect(link).toStartWith("/docs/")
      const file = await fetch(api.url + link)
      expect([link, file.status, (await file.arrayBuffer()).byteLength > 100]).toEqual([link, 200, true])
    }
    expect((await request(`${api.url}/docs/package.json`)).status).toBe(404)
  })
})

test("headers beyond what the server takes are answered as described, before any route is asked", async () => {
  const answer = await fetch(`${api.url}/health`, { headers: { "x-long": "x".repeat(20_000) } })
  expect(answer.status).toBe(431)
})
