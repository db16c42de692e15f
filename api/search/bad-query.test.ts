import { afterAll, beforeAll, expect, test } from "bun:test"
import { connect } from "node:net"
import { type Person, type TestApi, testApi } from "../../tests/harness/api.ts"
import { until } from "../../tests/harness/services.ts"
import { BAD_QUERIES } from "./test-queries.ts"

let withoutIndex: TestApi
let withIndex: TestApi
beforeAll(async () => {
  withoutIndex = await testApi({ SEARCH_INDEX_MAX_MB: "0" })
  withIndex = await testApi()
  const someone = withIndex.person()
  await until("searches are answered by the index", async () => {
    const { headers } = await someone.get("/doctors/search?latitude=40.7&longitude=-74")
    return headers.get("server-timing") === 'search;desc="index"'
  })
})
afterAll(async () => {
  await withoutIndex[Symbol.asyncDispose]()
  await withIndex[Symbol.asyncDispose]()
})

const shortened = (query: string) => (query.length > 60 ? `${query.slice(0, 60)}…` : query)

for (const { query, path } of BAD_QUERIES)
  test(`a search for ${shortened(query)} is refused, and ${path} is named, whether there is an index or not`, async () => {
    for (const api of [withoutIndex, withIndex]) {
      const someone = api.person()
      // The second time the token is known.
      for (let i = 0; i < 2; i++) {
        const answer = await someone.get(`/doctors/search?${query}`)
        expect([answer.status, answer.headers.get("content-type")]).toEqual([400, "application/problem+json"])
        expect(answer.body).toMatchObject({ title: "Bad Request", status: 400, instance: "/api/v1/doctors/search" })
        expect(answer.body.errors.map((e: { path: string }) => e.path)).toEqual([path])
      }
    }
  })

const HEAD_END = "\r\n\r\n"
type Raw = { status: number; type: string | undefined; paths: string[] }

/** What is answered to a search whose query is exactly these bytes, as far as a refusal says anything. */
function answerTo(api: TestApi, someone: Person, query: Buffer): Promise<Raw> {
  const { hostname, port } = new URL(api.url)
  const { promise, resolve, reject } = Promise.withResolvers<Raw>()
  const socket = connect(Number(port), hostname, () => {
    socket.write(
      Buffer.concat([
        Buffer.from("GET /api/v1/doctors/search?"),
        query,
        Buffer.from(` HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${someone.token}${HEAD_END}`),
      ]),
    )
  })
  socket.on("error", reject)
  let received = Buffer.alloc(0)
  socket.on("data", (data: Buffer) => {
    received = Buffer.concat([received, data])
    const end = received.indexOf(HEAD_END)
    const head = received.toString("latin1", 0, Math.max(0, end))
    const body = received.subarray(end + HEAD_END.length)
    if (end < 0 || body.length < Number(/^content-length: (\d+)/im.exec(head)?.[1])) return
    const { errors = [] } = JSON.parse(body.toString())
    const type = /^content-type: (.*)$/im.exec(head)?.[1]
    resolve({ status: Number(head.split(" ")[1]), type, paths: errors.map((e: { path: string }) => e.path) })
    socket.destroy()
  })
  return promise
}

test("bytes that are no UTF-8 are refused, and whose they are is named; those that are need no escapes; neither is a bug", async () => {
  for (const api of [withoutIndex, withIndex]) {
    const someone = api.person()
    await someone.get("/me")
    const near = "latitude=1&longitude=1&"
    const refused = (path: string) => ({ status: 400, type: "application/problem+json", paths: [path] })
    for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]]) {
      const ask = (before: string, after: string) =>
        answerTo(api, someone, Buffer.concat([Buffer.from(near + before), Buffer.from(bytes), Buffer.from(after)]))
      expect([bytes, await ask("clinicName=a", "&city=Paris")]).toEqual([bytes, refused("clinicName")])
      expect([bytes, await ask("name", "=a")]).toEqual([bytes, refused("query")])
    }
    for (const name of ["Zo%C3%AB", "Zoë"])
      expect(await answerTo(api, someone, Buffer.from(`${near}name=${name}`))).toEqual({ status: 200, type: "application/json", paths: [] })
  }
})
