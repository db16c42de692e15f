import { afterAll, beforeAll, expect, test } from "bun:test"
import { type TestApi, testApi } from "../tests/harness/api.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

test("a HEAD is told the length of what the same GET answers, found or not, allowed or not", async () => {
  const authorization = `Bearer ${api.person().token}`
  const cases: [string, number, Record<string, string>][] = [
    ["/health", 200, {}],
    ["/docs", 200, {}],
    ["/nowhere", 404, {}],
    ["/api/v1/me", 200, { authorization }],
    ["/api/v1/me", 401, {}],
    ["/api/v1/doctors/search?latitude=1&longitude=1", 200, { authorization }],
    ["/api/v1/doctors/search?latitude=91&longitude=1", 400, { authorization }],
  ]
  for (const [path, status, headers] of cases) {
    const got = await fetch(api.url + path, { headers })
    const length = (await got.arrayBuffer()).byteLength
    const head = await fetch(api.url + path, { method: "HEAD", headers })
    expect([path, got.status, head.status, head.headers.get("content-length")]).toEqual([path, status, status, String(length)])
    expect(head.headers.get("content-type")).toBe(got.headers.get("content-type") as string)
    expect((await head.arrayBuffer()).byteLength).toBe(0)
  }
})
