/** Calls that nobody could make sense of stand in the audit like any other refusal: by whom, and about what they named. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { CALLS, type Call } from "../tests/authorization/calls.ts"
import { actionOf, entriesAfter, isAudited, lastEntryId, namedBy } from "../tests/authorization/entries.ts"
import { ROLE_OF, ROWS } from "../tests/authorization/matrix.ts"
import { type Person, request, type TestApi, testApi } from "../tests/harness/api.ts"
import { type Cast, castOf, type RoleName, visit } from "../tests/harness/cast.ts"
import { digestOf } from "../tests/harness/contents.ts"

let api: TestApi
let cast: Cast
beforeAll(async () => {
  api = await testApi()
  cast = await castOf(api)
}, 30_000)
afterAll(() => api[Symbol.asyncDispose]())

/** Rows that somebody may call with a body, and who that is. */
const WITH_BODY = ROWS.flatMap((row) => {
  const role = row.method === "GET" ? undefined : row.cells.find(({ status }) => status < 300)?.role
  return role ? [{ ...row, role }] : []
})

const json = (who?: Person) => ({ "content-type": "application/json", ...(who ? { authorization: `Bearer ${who.token}` } : {}) })

/** The body with one member more, whose text is a byte that no UTF-8 has. */
function notUtf8({ body }: Call): Uint8Array {
  const bytes = Buffer.from(JSON.stringify({ ...(body as object), more: "?" }))
  bytes[bytes.lastIndexOf("?")] = 0xff
  return bytes
}

describe.each(WITH_BODY)("a body of $name that is not UTF-8", (row) => {
  test("is answered 400 and written into the audit by name, and 401 without a token; nothing else is written", async () => {
    const call = await (CALLS[row.name] as NonNullable<(typeof CALLS)[string]>)(cast, row.role)
    const who = cast.of(row.role)
    const [before, after] = [await digestOf(api.database.pool), await lastEntryId(api.database.pool)]
    const send = async (headers: Record<string, string>) =>
      (await request(`${api.url}${call.path}`, { method: row.method, headers, body: notUtf8(call) })).status
    expect(await send(json(who))).toBe(400)
    const entry = { uid: who.uid, role: ROLE_OF[row.role], action: actionOf(row), ids: namedBy(call, cast), outcome: "INVALID" }
    expect(await entriesAfter(api.database.pool, after)).toEqual(isAudited(row) ? [entry] : [])
    expect(await send(json())).toBe(401)
    expect(await digestOf(api.database.pool)).toBe(before)
  })
})

/** Refused for something other than the body's letters: how it is sent, and as what it is written down. */
const MALFORMED: Record<string, { role: RoleName; status: number; outcome: string; send: (id: string) => [string, RequestInit] }> = {
  "a body of another type": {
    role: "patient",
    status: 415,
    outcome: "INVALID",
    send: (id) => [`/appointments/${id}`, { method: "PUT", body: "{}", headers: { "content-type": "text/plain" } }],
  },
  "a body that is cut short": {
    role: "doctor",
    status: 400,
    outcome: "INVALID",
    send: (id) => [`/appointments/${id}`, { method: "PUT", body: '{"status":', headers: json() }],
  },
  "a query that cannot be read": {
    role: "doctor",
    status: 400,
    outcome: "INVALID",
    send: (id) => [`/appointments/${id}?x=%FF`, { method: "GET" }],
  },
  "a key that cannot be one": {
    role: "patient",
    status: 400,
    outcome: "INVALID",
    send: (id) => [
      "/payments",
      {
        method: "POST",
        body: JSON.stringify({ appointmentId: id, amount: 20, method: "CASH" }),
        headers: { ...json(), "idempotency-key": "k".repeat(256) },
      },
    ],
  },
  "a path that goes on after the id": {
    role: "stranger",
    status: 404,
    outcome: "NOT_FOUND",
    send: (id) => [`/appointments/${id}%00`, { method: "GET" }],
  },
}

test.each(Object.keys(MALFORMED))("%s is written into the audit by name, with what it named", async (what) => {
  const { role, status, outcome, send } = MALFORMED[what] as NonNullable<(typeof MALFORMED)[string]>
  const id = await visit(cast)
  const after = await lastEntryId(api.database.pool)
  const { uid, token } = cast.of(role)
  const [path, init] = send(id)
  const answer = await request(`${api.url}/api/v1${path}`, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(status)
  expect(await entriesAfter(api.database.pool, after)).toMatchObject([{ uid, role: ROLE_OF[role], ids: [id], outcome }])
})
