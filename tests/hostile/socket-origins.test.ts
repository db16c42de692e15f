/** What pages of other origins are told by `/socket.io/`, straight and through the public port, however they are answered. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { createForward, type ForwardData } from "../../api/realtime-forward.ts"
import { openLog } from "../../core/log.ts"
import { type TestStage, testStage } from "../harness/realtime.ts"
import { freePort } from "../harness/services.ts"
import { ORIGINS, REFUSED_ORIGINS } from "./origins.ts"

const POLLING = "EIO=4&transport=polling"

let stage: TestStage
const urls = { open: "", full: "", closed: "", anyone: "", forwarded: "", away: "" }
const ends: (() => void)[] = []
beforeAll(async () => {
  stage = await testStage()
  const CORS_ORIGIN = ORIGINS.join(",")
  urls.open = (await stage.start({}, { CORS_ORIGIN })).url
  urls.full = (await stage.start({ maxConnections: 0 }, { CORS_ORIGIN })).url
  urls.closed = (await stage.start()).url
  urls.anyone = (await stage.start({}, { CORS_ORIGIN: "*" })).url
  urls.forwarded = publicPort(urls.open)
  urls.away = publicPort(`http://127.0.0.1:${await freePort()}`)
})
afterAll(async () => {
  for (const end of ends) end()
  await stage[Symbol.asyncDispose]()
})

/** As `api` has one. */
function publicPort(realtimeUrl: string): string {
  const forward = createForward(realtimeUrl, openLog("api", "silent"))
  const server = Bun.serve<ForwardData>({ hostname: "127.0.0.1", port: 0, fetch: forward.fetch, websocket: forward.websocket })
  ends.push(() => {
    forward.close()
    void server.stop(true)
  })
  return `http://127.0.0.1:${server.port}`
}

async function ask(url: string, origin: string | undefined, method: string, query: string, body?: string): Promise<[Response, string]> {
  const headers: Record<string, string> = origin === undefined ? {} : { origin, "access-control-request-method": "POST" }
  const answer = await fetch(`${url}/socket.io/?${query}`, { method, headers, body })
  return [answer, await answer.text()]
}

/** Of a session and of what is refused, in this order. */
const STATUSES = [200, 200, 200, 204, 204, 400, 400, 400, 400]

/** Opens a session, sends and polls, and is refused in every way. */
async function session(url: string, origin: string | undefined): Promise<Response[]> {
  const [opened, text] = await ask(url, origin, "GET", POLLING)
  const own = `${POLLING}&sid=${JSON.parse(text.slice(1)).sid}`
  const answers = [opened]
  for (const [method, query, body] of [
    ["POST", own, "40/notifications,{}"],
    ["GET", own],
    ["OPTIONS", own],
    ["OPTIONS", POLLING],
    ["POST", POLLING, "x"],
    ["GET", `${POLLING}&sid=none`],
    ["GET", "EIO=3&transport=polling"],
    ["GET", ""],
  ] as const)
    answers.push((await ask(url, origin, method, query, body))[0])
  expect([origin, answers.map(({ status }) => status)]).toEqual([origin, STATUSES])
  return answers
}

/** Of a process that is full, and of a public port whose realtime process is away. */
async function unavailable(url: string, origin: string | undefined): Promise<Response[]> {
  const answers = [(await ask(url, origin, "GET", POLLING))[0], (await ask(url, origin, "POST", `${POLLING}&sid=x`, "x"))[0]]
  expect(answers[0]?.status).toBe(503)
  return answers
}

const told = ({ headers }: Response) => ["origin", "credentials"].map((name) => headers.get(`access-control-allow-${name}`))

test("an origin that only looks like ours is told nothing that a browser would take for leave", async () => {
  for (const origin of [undefined, ...REFUSED_ORIGINS]) {
    const answers = [
      ...(await session(urls.open, origin)),
      ...(await session(urls.forwarded, origin)),
      ...(await unavailable(urls.full, origin)),
      ...(await unavailable(urls.away, origin)),
    ]
    for (const answer of answers) {
      expect([origin, answer.status, ...told(answer)]).toEqual([origin, answer.status, null, null])
      expect(answer.headers.get("access-control-allow-methods")).toBeNull()
    }
  }
})

test("our own are let in by exactly their name, with the cookies of an edge, and no cache gives their answer to another", async () => {
  for (const origin of ORIGINS) {
    const answers = [
      ...(await session(urls.open, origin)),
      ...(await session(urls.forwarded, origin)),
      ...(await unavailable(urls.full, origin)),
    ]
    for (const answer of answers) {
      expect([answer.status, ...told(answer)]).toEqual([answer.status, origin, "true"])
      expect(answer.headers.get("vary")).toContain("Origin")
      expect(answer.headers.get("access-control-allow-methods")).toBe("GET, POST")
    }
    // What `api` says of itself, while realtime is away, it says to no page.
    for (const answer of await unavailable(urls.away, origin)) expect(told(answer)).toEqual([null, null])
  }
})

test("where every origin is let in, none is with credentials", async () => {
  for (const origin of [...ORIGINS, ...REFUSED_ORIGINS])
    for (const answer of await session(urls.anyone, origin)) expect([origin, ...told(answer)]).toEqual([origin, "*", null])
})

test("where none is said, none is let in", async () => {
  for (const origin of ORIGINS)
    for (const answer of await session(urls.closed, origin)) expect([origin, ...told(answer)]).toEqual([origin, null, null])
})
