import { expect, test } from "bun:test"
import type { OpenApi } from "../../api/description/openapi.ts"
import type { WireAnswer } from "../harness/wire.ts"
import { Verdicts } from "./verdict.ts"

const problem = (status: number) => ({ type: "about:blank", title: "x", status, detail: "x", instance: "/things" })
const content = { "application/problem+json": { schema: { type: "object" } } }
const responses = Object.fromEntries([200, 429, 500, 501, 502, 503, 504].map((status) => [status, { description: "x", content }]))
const document = { openapi: "3.1.0", paths: { "/things": { get: { responses } } }, components: { schemas: {} } }
const asked = { method: "GET", target: "/things", body: undefined, headers: [], operation: "GET /things" } as never

function verdictOf(status: number, headers: Record<string, string> = {}, more: Partial<WireAnswer> & { text?: string } = {}) {
  const verdicts = new Verdicts(document as unknown as OpenApi, ["canary-1"])
  const all = new Map(Object.entries({ "x-request-id": "1", "content-type": "application/problem+json", ...headers }))
  const body = Buffer.from(more.text ?? JSON.stringify(problem(status)))
  return { fault: verdicts.faultOf(asked, { status, headers: all, body, ms: more.ms ?? 1 }), unavailable: verdicts.unavailable }
}

test("every status of 500 and more is a fault, described or not, but a 503 that says when to try again; and those are counted", () => {
  for (const status of [500, 501, 502, 504, 505, 511, 599, 101]) expect(verdictOf(status).fault).toBe(`a status of ${status}`)
  for (const after of [undefined, "", "0", "-1", "soon", "1.5", "100000"])
    expect(verdictOf(503, after === undefined ? {} : { "retry-after": after }).fault).toBe("a 503 that does not say when to try again")
  expect(verdictOf(503, { "retry-after": "1" })).toEqual({ fault: undefined, unavailable: 1 })
  expect(verdictOf(200)).toEqual({ fault: undefined, unavailable: 0 })
})

test("and so is what is slow, tells of our insides or of another, or has a header that nobody meant", () => {
  expect(verdictOf(200, {}, { ms: 5_001 }).fault).toBe("it took 5001 ms")
  expect(verdictOf(200, {}, { text: '{"a":"canary-1"}' }).fault).toContain("another's")
  expect(verdictOf(200, {}, { text: '{"a":"PostgresError"}' }).fault).toContain("insides")
  for (const name of ["set-cookie", "x-injected"]) expect(verdictOf(200, { [name]: "1" }).fault).toContain("nobody meant")
  expect(verdictOf(200, {}, { text: "{" }).fault).toBe("it is no JSON")
})
