/** Every route, called by everyone: answered as the matrix says, and nothing written by who is refused. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { z } from "zod"
import { CALLS, type Call } from "../tests/authorization/calls.ts"
import { INSIDERS, MATRIX } from "../tests/authorization/rows.ts"
import { type Answer, request, testApi } from "../tests/harness/api.ts"
import { badTokens } from "../tests/harness/bad-tokens.ts"
import { type Cast, castOf, ROLES, type RoleName, SECRETS, visit } from "../tests/harness/cast.ts"
import { digestOf } from "../tests/harness/contents.ts"
import { AUDIT_RULES } from "./audit-rules.ts"
import { describedRoutes } from "./description/openapi.ts"

type Cell = { role: RoleName; status: number; mayKnow: boolean }
type Row = { name: string; method: string; path: string; cells: Cell[] }

const [head = "", ...lines] = MATRIX.trim().split("\n")
const rows: Row[] = lines.filter((line) => line.trim() !== "").map(rowOf)

function rowOf(line: string): Row {
  const [, name = "", cells = ""] = /^(\S+ \S+(?: \(.*?\))?)\s+(\d{3}.*)$/.exec(line) ?? []
  const [method = "", path = ""] = name.split(" ")
  const columns = head.trim().split(/\s+/).slice(1) as RoleName[]
  return {
    name,
    method,
    path,
    cells: cells.split(/\s+/).map((cell, i) => ({
      role: columns[i] as RoleName,
      status: Number.parseInt(cell, 10),
      mayKnow: cell.endsWith("~"),
    })),
  }
}

let api: Awaited<ReturnType<typeof testApi>>
let cast: Cast
beforeAll(async () => {
  api = await testApi()
  cast = await castOf(api)
  // The patient waits at the clinic, has paid and is known at the desk: what lists and counts show is not empty.
  await visit(cast, "CONFIRMED", "WAITING")
  const appointmentId = await visit(cast, "CONFIRMED")
  await cast.of("patient").post("/payments", { appointmentId, amount: 31.41, method: "CASH" })
}, 30_000)
afterAll(() => api[Symbol.asyncDispose]())

type Sent = Call & { method: string; authorization?: string; key?: string }

async function send({ method, path, body, authorization, key }: Sent): Promise<Answer & { text: string }> {
  const headers: Record<string, string> = {}
  if (authorization !== undefined) headers.authorization = authorization
  if (body !== undefined) headers["content-type"] = "application/json"
  if (method === "POST" && key !== undefined) headers["idempotency-key"] = key
  const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }
  if (!path.startsWith("/api/")) return await sendPlain(path, init)
  const answer = await request(`${api.url}${path}`, init)
  return { ...answer, text: JSON.stringify(answer.body) }
}

async function sendPlain(path: string, init: RequestInit): Promise<Answer & { text: string }> {
  const response = await fetch(`${api.url}${path}`, init)
  return { status: response.status, headers: response.headers, body: undefined, text: await response.text() }
}

/** What the answer tells, but for what every answer has of its own. */
function told({ status, headers, body }: Answer): unknown {
  const { "x-request-id": _, date: __, "content-length": ___, ...rest } = Object.fromEntries(headers)
  return { status, headers: rest, body: { ...body, instance: undefined } }
}

/** What the clinic alone may know, but for what the caller has shown to know. */
function secretsBeyond({ body }: Call): string[] {
  const said = JSON.stringify(body) ?? ""
  return [...Object.values(SECRETS), cast.code].filter((secret) => !said.includes(secret))
}

/** The call about things that are nobody's. */
function aboutNothing(call: Call): Call {
  const { ids = [], ...rest } = call
  return JSON.parse(ids.reduce((text, id) => text.replaceAll(id, Bun.randomUUIDv7()), JSON.stringify(rest)))
}

const REFUSALS: Record<number, string> = { 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 422: "INVALID" }

/** What must stand in the audit of a refused call, and nothing else; none of a route that has nothing of a patient's. */
function entriesExpected(row: Row, status: number, { path, ids = [] }: Call, uid: string): object[] {
  if (typeof AUDIT_RULES[`${row.method} ${row.path}`] === "string") return []
  // Doctors and clinics are nobody's data.
  const named = ids.filter((id) => ![cast.doctorId, cast.otherDoctorId, cast.clinicId, cast.otherClinicId].includes(id))
  const action = row.method === "GET" ? "READ" : row.method === "POST" && !path.endsWith("/queue/next") ? "CREATE" : "CHANGE"
  return [{ uid, action, ids: named, outcome: REFUSALS[status] }]
}

async function lastEntryId(): Promise<number> {
  const [row] = await api.database.pool<{ id: number }[]>`select coalesce(max(id), 0) as id from audit_inbox`
  return row?.id ?? 0
}

async function entriesAfter(id: number): Promise<object[]> {
  const rows = await api.database.pool<{ entry: string }[]>`select entry::text from audit_inbox where id > ${id} order by id`
  return rows.map(({ entry }) => {
    const { uid, action, ids, outcome } = JSON.parse(entry)
    return { uid, action, ids, outcome }
  })
}

test("every route has a row, every row a route, a way to call it and an answer for everyone", () => {
  const routes = describedRoutes(api.app.routes).map(({ method, path }) => `${method} ${path}`)
  expect([...new Set(rows.map(({ method, path }) => `${method} ${path}`))].toSorted()).toEqual(routes.toSorted())
  expect(rows.map((row) => row.name).toSorted()).toEqual(Object.keys(CALLS).toSorted())
  for (const { name, cells } of rows) expect([name, cells.map((cell) => cell.role)]).toEqual([name, [...ROLES]])
})

const ROLE_OF: Record<RoleName, string | null> = {
  newcomer: null,
  patient: "PATIENT",
  stranger: "PATIENT",
  doctor: "DOCTOR",
  colleague: "DOCTOR",
  elsewhere: "DOCTOR",
  desk: "RECEPTIONIST",
  desk2: "RECEPTIONIST",
  pending: "RECEPTIONIST",
  rejected: "RECEPTIONIST",
  revoked: "RECEPTIONIST",
}

test("the matrix and the guards agree: whom a guard does not name is forbidden", () => {
  for (const { method, path, part } of describedRoutes(api.app.routes)) {
    const { caller } = part
    if (!Array.isArray(caller)) continue
    for (const { name, cells } of rows.filter((row) => row.method === method && row.path === path))
      for (const { role, status } of cells) if (!caller.includes(ROLE_OF[role])) expect([name, role, status]).toEqual([name, role, 403])
  }
})

/** Ids that are everybody's to know and to name: doctors and clinics are found by search. */
const PUBLIC_IDS = new Set([
  "GET /api/v1/doctors/:id id",
  "GET /api/v1/doctors/:id/availability id",
  "POST /api/v1/doctors clinicId",
  "POST /api/v1/receptionists clinicId",
])

test("every id that a call can name, in its path, query or body, is tried by those whose it is not", async () => {
  const nameable = describedRoutes(api.app.routes).flatMap(({ method, path, part }) => {
    const fields = [part.query, part.body].flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []))
    const inPath = Array.from(path.matchAll(/:(\w+)/g), ([, name = ""]) => name)
    return [...inPath, ...fields].filter((name) => /^id$|Id$/.test(name)).map((name) => `${method} ${path} ${name}`)
  })
  const tried = new Set<string>()
  for (const { name, method, path } of rows) {
    const call = await (CALLS[name] as NonNullable<(typeof CALLS)[string]>)(cast, "doctor")
    const { pathname, searchParams } = new URL(call.path, api.url)
    const named = [...searchParams, ...Object.entries((call.body ?? {}) as object)]
    for (const [i, segment] of path.split("/").entries())
      if (segment.startsWith(":")) named.push([segment.slice(1), pathname.split("/")[i]])
    for (const [field, value] of named) if (call.ids?.includes(value)) tried.add(`${method} ${path} ${field}`)
  }
  expect(nameable.filter((id) => !PUBLIC_IDS.has(id) && !tried.has(id))).toEqual([])
})

test("a cursor made of another's ids, or a key that another has used, opens nothing of theirs", async () => {
  const [patient, stranger] = [cast.of("patient"), cast.of("stranger")]
  for (const list of ["appointments", "payments"]) {
    const { body } = await patient.get(`/${list}?limit=1`)
    expect(body.nextCursor).toBeString()
    for (const role of ["stranger", "elsewhere", "desk2"] as const)
      expect([role, (await cast.of(role).get(`/${list}?cursor=${body.nextCursor}`)).body.data]).toEqual([role, []])
  }
  const input = { doctorId: cast.doctorId, scheduledAt: cast.slot(), reason: SECRETS.reason }
  const key = { "idempotency-key": "one-key-of-two-people" }
  expect((await patient.post("/appointments", input, key)).status).toBe(201)
  const answer = await stranger.post("/appointments", input, key)
  expect([answer.status, JSON.stringify(answer.body).includes(cast.patientId)]).toEqual([409, false])
})

describe.each(rows)("$name", (row) => {
  const { name, method, cells } = row
  const callOf = (role: RoleName) => (CALLS[name] as NonNullable<(typeof CALLS)[string]>)(cast, role)

  test("is answered to each as the matrix says; who is refused writes nothing but one line of the audit, and learns nothing", async () => {
    for (const { role, status, mayKnow } of cells) {
      const call = await callOf(role)
      const { token, uid } = cast.of(role)
      const sent = { ...call, method, authorization: `Bearer ${token}`, key: Bun.randomUUIDv7() }
      const before = status >= 400 ? await digestOf(api.database.pool) : undefined
      const lastEntry = await lastEntryId()
      const answer = await send(sent)
      expect([role, answer.status, answer.status === status ? "" : answer.text]).toEqual([role, status, ""])
      if (!INSIDERS.has(role))
        for (const secret of secretsBeyond(call)) expect([role, secret, answer.text.includes(secret)]).toEqual([role, secret, false])
      if (before === undefined) continue
      expect([role, await entriesAfter(lastEntry)]).toEqual([role, entriesExpected(row, status, call, uid)])
      if (call.ids && !mayKnow) {
        const elsewhere = await send({ ...sent, ...aboutNothing(call) })
        expect([role, told(elsewhere)]).toEqual([role, told(answer)])
      }
      expect([role, await digestOf(api.database.pool)]).toEqual([role, before])
    }
  })

  test("is answered 401 without a valid token, if it needs one; nothing is written", async () => {
    const needsToken =
      describedRoutes(api.app.routes).find((r) => `${r.method} ${r.path}` === name.split(" (")[0])?.part.caller !== undefined
    const call = await callOf("doctor")
    const before = await digestOf(api.database.pool)
    for (const [what, authorization] of badTokens(cast.of("doctor").uid)) {
      const answer = await send({ ...call, method, authorization, key: Bun.randomUUIDv7() })
      expect([what, answer.status]).toEqual([what, needsToken ? 401 : 200])
      if (needsToken) expect(answer.headers.get("www-authenticate")).toBe("Bearer")
    }
    expect(await digestOf(api.database.pool)).toBe(before)
  })
})
