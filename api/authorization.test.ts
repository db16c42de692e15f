/** Every route, called by everyone: answered as the matrix says, and nothing written by who is refused. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { z } from "zod"
import { sealAudit } from "../core/audit/seal.ts"
import { openLog } from "../core/log.ts"
import { CALLS, type Call } from "../tests/authorization/calls.ts"
import { actionOf, entriesAfter, isAudited, lastEntryId, namedBy, ownersIn, partsNaming } from "../tests/authorization/entries.ts"
import { type Cell, maySeeCode, maySeePatient, ROLE_OF, ROWS, type Row } from "../tests/authorization/matrix.ts"
import { type Answer, type Person, request, testApi } from "../tests/harness/api.ts"
import { badTokens } from "../tests/harness/bad-tokens.ts"
import { type Cast, castOf, ROLES, type RoleName, SECRETS, visit } from "../tests/harness/cast.ts"
import { digestOf } from "../tests/harness/contents.ts"
import { until } from "../tests/harness/services.ts"
import { describedRoutes } from "./description/openapi.ts"

let api: Awaited<ReturnType<typeof testApi>>
let cast: Cast
/** The things of the patient's that stand there throughout: what lists and counts show is not empty. */
let standing: string[]
beforeAll(async () => {
  api = await testApi()
  cast = await castOf(api)
  const waiting = await visit(cast, "CONFIRMED", "WAITING")
  const appointmentId = await visit(cast, "CONFIRMED")
  const { body } = await cast.of("patient").post("/payments", { appointmentId, amount: 31.41, method: "CASH" })
  standing = [cast.patientId, waiting, appointmentId, body.id, ...(await visitsToday())]
}, 30_000)
afterAll(() => api[Symbol.asyncDispose]())

/** Visits that are over, which nobody could book: one now and one in an hour, so that one of them is today's all the while. */
async function visitsToday(): Promise<string[]> {
  const rows = await api.database.pool<{ id: string }[]>`
    insert into appointments (id, doctor_id, patient_id, during, status)
    select gen_random_uuid(), ${cast.doctorId}, ${cast.patientId}, tstzrange(starts, starts + interval '1 minute'), 'COMPLETED'
    from unnest(array[now(), now() + interval '1 hour']) starts returning id`
  return rows.map(({ id }) => id)
}

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

/** What the caller must not be told by this call, but for what the caller has shown to know. */
function secretsFrom(role: RoleName, row: Row, { path, body }: Partial<Call> = {}): string[] {
  const said = `${path} ${JSON.stringify(body)}`
  const secrets = [
    ...(maySeePatient(role, row) ? [] : [...Object.values(SECRETS), ...standing]),
    ...(maySeeCode(role, row) ? [] : [cast.code]),
  ]
  return secrets.filter((secret) => !said.includes(secret))
}

/** The call about things that are nobody's. */
function aboutNothing(call: Call): Call {
  const { ids = [], ...rest } = call
  return JSON.parse(ids.reduce((text, id) => text.replaceAll(id, Bun.randomUUIDv7()), JSON.stringify(rest)))
}

const REFUSALS: Record<number, string> = { 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 422: "INVALID" }

/** What must stand in the audit of a refused call, and nothing else; none of a route that has nothing of a patient's. */
async function expectRefusalWritten(row: Row, { role, status }: Cell, call: Call, uid: string, after: number): Promise<void> {
  const expected = { uid, role: ROLE_OF[role], action: actionOf(row), ids: namedBy(call, cast), outcome: REFUSALS[status] ?? "" }
  const written = await entriesAfter(api.database.pool, after)
  expect([role, ...written]).toEqual([role, ...(isAudited(row) ? [expected] : [])])
}

/** One entry of whoever is answered, about each patient of whom the answer shows anything; how many that is. */
async function expectAnswerWritten(row: Row, role: RoleName, { body, text }: Answer & { text: string }, uid: string, after: number) {
  const { pool } = api.database
  const owners = await ownersIn(pool, text)
  const written = await entriesAfter(pool, after)
  if (!isAudited(row) || owners.size === 0) {
    expect([role, written]).toEqual([role, []])
    return 0
  }
  // A newcomer has nothing of a patient's to be shown but by becoming one.
  const actor = { uid, role: ROLE_OF[role] ?? "PATIENT" }
  expect([role, written]).toEqual([role, [{ ...actor, action: actionOf(row), ids: expect.any(Array), outcome: "DONE" }]])
  const ids = new Set(written[0]?.ids)
  const about = await ownersIn(pool, [...ids].join())
  expect([role, new Set(about.values())]).toEqual([role, new Set(owners.values())])
  expect([role, partsNaming(owners, body).filter((part) => !part.some((id) => ids.has(id)))]).toEqual([role, []])
  return owners.size
}

test("every route has a row, every row a route, a way to call it and an answer for everyone", () => {
  const routes = describedRoutes(api.app.routes).map(({ method, path }) => `${method} ${path}`)
  expect([...new Set(ROWS.map(({ method, path }) => `${method} ${path}`))].toSorted()).toEqual(routes.toSorted())
  expect(ROWS.map((row) => row.name).toSorted()).toEqual(Object.keys(CALLS).toSorted())
  for (const { name, cells } of ROWS) expect([name, cells.map((cell) => cell.role)]).toEqual([name, [...ROLES]])
})

test("the matrix and the guards agree: whom a guard does not name is forbidden", () => {
  for (const { method, path, part } of describedRoutes(api.app.routes)) {
    const { caller } = part
    if (!Array.isArray(caller)) continue
    for (const { name, cells } of ROWS.filter((row) => row.method === method && row.path === path))
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
  for (const { name, method, path } of ROWS) {
    const call = await (CALLS[name] as NonNullable<(typeof CALLS)[string]>)(cast, "doctor")
    const { pathname, searchParams } = new URL(call.path, api.url)
    const named = [...searchParams, ...Object.entries((call.body ?? {}) as object)]
    for (const [i, segment] of path.split("/").entries())
      if (segment.startsWith(":")) named.push([segment.slice(1), pathname.split("/")[i]])
    for (const [field, value] of named) if (call.ids?.includes(value)) tried.add(`${method} ${path} ${field}`)
  }
  expect(nameable.filter((id) => !PUBLIC_IDS.has(id) && !tried.has(id))).toEqual([])
})

test("a cursor that another was given opens nothing of theirs, on every list that takes one", async () => {
  await sealAudit(api.database.pool, openLog("test", "silent"))
  const lists = ROWS.filter(({ method, path }) =>
    describedRoutes(api.app.routes).some((r) => r.method === method && r.path === path && r.part.query && "cursor" in r.part.query.shape),
  )
  expect(lists.map(({ path }) => path)).toContain("/api/v1/audit/me")
  for (const row of lists) {
    const list = async (who: Person, query: string) =>
      (await request(`${api.url}${row.path}?${query}`, { headers: { authorization: `Bearer ${who.token}` } })).body
    const given = await until(`${row.path} has two of the patient's`, async () => (await list(cast.of("patient"), "limit=1")).nextCursor)
    const others = row.cells.filter(({ role, status }) => status === 200 && !maySeePatient(role, row)).map(({ role }) => role)
    expect([row.path, others]).toEqual([row.path, expect.arrayContaining(["stranger"])])
    for (const role of others) {
      const who = cast.of(role)
      const opened = await list(who, `limit=100&cursor=${given}`)
      const own = (await list(who, "limit=100")).data as unknown[]
      expect([row.path, role, opened.data.filter((item: unknown) => !own.some((mine) => Bun.deepEquals(mine, item)))]).toEqual([
        row.path,
        role,
        [],
      ])
      const told = JSON.stringify(opened)
      expect([row.path, role, secretsFrom(role, row).filter((secret) => told.includes(secret))]).toEqual([row.path, role, []])
    }
  }
})

test("a key that another has used opens nothing of theirs", async () => {
  const [patient, stranger] = [cast.of("patient"), cast.of("stranger")]
  const input = { doctorId: cast.doctorId, scheduledAt: cast.slot(), reason: SECRETS.reason }
  const key = { "idempotency-key": "one-key-of-two-people" }
  expect((await patient.post("/appointments", input, key)).status).toBe(201)
  const answer = await stranger.post("/appointments", input, key)
  expect([answer.status, JSON.stringify(answer.body).includes(cast.patientId)]).toEqual([409, false])
})

describe.each(ROWS)("$name", (row) => {
  const { name, method, cells } = row
  const callOf = (role: RoleName) => (CALLS[name] as NonNullable<(typeof CALLS)[string]>)(cast, role)

  test("is answered to each as the matrix says, and written into the audit; who is refused writes nothing else, and learns nothing", async () => {
    let shown = 0
    for (const cell of cells) {
      const { role, status, mayKnow } = cell
      const call = await callOf(role)
      const { token, uid } = cast.of(role)
      const sent = { ...call, method, authorization: `Bearer ${token}`, key: Bun.randomUUIDv7() }
      const before = status >= 400 ? await digestOf(api.database.pool) : undefined
      const lastEntry = await lastEntryId(api.database.pool)
      const answer = await send(sent)
      expect([role, answer.status, answer.status === status ? "" : answer.text]).toEqual([role, status, ""])
      expect([role, secretsFrom(role, row, call).filter((secret) => answer.text.includes(secret))]).toEqual([role, []])
      if (before === undefined) {
        shown += await expectAnswerWritten(row, role, answer, uid, lastEntry)
        continue
      }
      await expectRefusalWritten(row, cell, call, uid, lastEntry)
      if (call.ids && !mayKnow) {
        const elsewhere = await send({ ...sent, ...aboutNothing(call) })
        expect([role, told(elsewhere)]).toEqual([role, told(answer)])
      }
      expect([role, await digestOf(api.database.pool)]).toEqual([role, before])
    }
    // Of an audited route that anybody is answered by, somebody was shown something.
    if (isAudited(row) && cells.some(({ status }) => status < 400)) expect(shown).toBeGreaterThan(0)
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
