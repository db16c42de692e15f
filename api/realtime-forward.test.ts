import { afterAll, beforeAll, expect, test } from "bun:test"
import { openLog } from "../core/log.ts"
import { appointmentUpdate, listen, listening, offsetsOf, type TestStage, testStage, tokenOf } from "../tests/harness/realtime.ts"
import { freePort, until } from "../tests/harness/services.ts"
import { createForward, type ForwardData } from "./realtime-forward.ts"

let stage: TestStage

beforeAll(async () => {
  stage = await testStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

/** A public port as `api` has one. */
function publicPort(realtimeUrl: string, trustedProxies: string[] = []) {
  const forward = createForward(realtimeUrl, openLog("api", "silent"), { trustedProxies })
  const server = Bun.serve<ForwardData>({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request, server) => (forward.handles(request.url) ? forward.fetch(request, server) : new Response("rest")),
    websocket: forward.websocket,
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    forward,
    server,
    async [Symbol.asyncDispose]() {
      forward.close()
      await server.stop(true)
    },
  }
}

test("only the sockets' path is forwarded, however the URL is written", () => {
  const { handles } = createForward("http://127.0.0.1:1", openLog("api", "silent"))
  for (const url of ["/socket.io/?EIO=4", "http://a.example/socket.io/", "http://a.example:80/socket.io/?x=/api"])
    expect(handles(url)).toBe(true)
  for (const url of ["/", "/api/v1/doctors/search?x=/socket.io/", "http://socket.io/socket.iox", "http://a.example", "/api/socket.io/"])
    expect(handles(url)).toBe(false)
})

test.each([[["websocket"]], [["polling"]], [["polling", "websocket"]]])(
  "a client hears its events through the public port: %p",
  async (transports) => {
    const realtime = await stage.start()
    await using port = publicPort(realtime.url)
    const { uid, doctorId } = await stage.doctor()
    const diary = await listening(port.url, { uid, transports })
    const last = transports.at(-1) as string
    await until("the transport is the last one", () => diary.socket.io.engine.transport.name === last)
    for (let i = 0; i < 20; i++) await stage.tell(appointmentUpdate({ doctorId }))
    await until("all are heard", () => diary.heard.length === 20)
    expect((await diary.socket.emitWithAck("auth:refresh", tokenOf(uid))) as unknown).toEqual({ ok: true })
    diary.socket.close()
    await until("the realtime process has let go", () => realtime.connections() === 0)
  },
)

test("more long polls than Bun's fetch runs at once wait side by side", async () => {
  const realtime = await stage.start()
  await using port = publicPort(realtime.url)
  const { uid, doctorId } = await stage.doctor()
  const diaries = Array.from({ length: 300 }, () => listen(port.url, { uid, transports: ["polling"] }))
  await until("all are ready", () => diaries.every((d) => d.ready.length === 1), 10_000)
  await stage.tell(appointmentUpdate({ doctorId }))
  await until("all have heard", () => diaries.every((d) => d.heard.length === 1), 5_000)
  for (const { socket } of diaries) socket.close()
}, 20_000)

test("a websocket client that stands still for a while holds the realtime process back, and then gets everything, in order", async () => {
  const realtime = await stage.start()
  await using port = publicPort(realtime.url)
  const { uid, doctorId } = await stage.doctor()
  const event = () => ({
    name: "appointment:new" as const,
    data: { appointmentId: Bun.randomUUIDv7(), patientName: "x", scheduledAt: "2030-01-01T10:00:00Z", reason: "y".repeat(8_000) },
    about: { doctorId, clinicId: doctorId },
  })
  // More than the buffers of two loopback connections and of both processes hold.
  await stage.tell(...Array.from({ length: 2_000 }, event))
  const reader = Bun.spawn([process.execPath, `${import.meta.dir}/../tests/harness/slow-reader.ts`, port.url, tokenOf(uid)], {
    stdout: "pipe",
  })
  const { offsets, connections } = JSON.parse(await new Response(reader.stdout).text())
  const expected = await stage.pool<{ offset: number }[]>`select "offset" from room_events where room = ${`doctor:${doctorId}`} order by 1`
  expect(offsets).toEqual(expected.map((e) => e.offset))
  expect(connections).toBe(1)
}, 20_000)

test("a client that vanishes in the middle of a poll leaves nothing behind", async () => {
  const realtime = await stage.start()
  await using port = publicPort(realtime.url)
  const path = "/socket.io/?EIO=4&transport=polling"
  const { sid } = JSON.parse((await (await fetch(port.url + path)).text()).slice(1))
  const poll = await Bun.connect({ hostname: "127.0.0.1", port: port.server.port as number, socket: { data() {} } })
  poll.write(`GET ${path}&sid=${sid} HTTP/1.1\r\nHost: x\r\n\r\n`)
  await Bun.sleep(50)
  expect(realtime.connections()).toBe(1)
  poll.terminate()
  await until("the realtime process has let go", () => realtime.connections() === 0, 2_000)
})

test("the client's address is passed on, as it is known here and not as it is claimed, and its headers are", async () => {
  using upstream = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: (request) => Response.json(Object.fromEntries(request.headers)) })
  await using port = publicPort(`http://127.0.0.1:${upstream.port}`)
  const get = async (headers: Record<string, string>) => (await fetch(`${port.url}/socket.io/`, { headers })).json()
  expect(await get({ "x-forwarded-for": "192.0.2.1", origin: "https://a.example", cookie: "a=b" })).toMatchObject({
    "x-forwarded-for": "127.0.0.1",
    origin: "https://a.example",
    cookie: "a=b",
  })
  await using behind = publicPort(`http://127.0.0.1:${upstream.port}`, ["127.0.0.0/8"])
  const answer = await fetch(`${behind.url}/socket.io/`, { headers: { "x-forwarded-for": "6.6.6.6, 192.0.2.1" } })
  expect(await answer.json()).toMatchObject({ "x-forwarded-for": "192.0.2.1" })
})

test("a body above the limit is 413, whether it says its length or not", async () => {
  await using port = publicPort("http://127.0.0.1:1")
  const large = "x".repeat(70_000)
  for (const body of [large, new Blob([large]).stream()]) {
    const answer = await fetch(`${port.url}/socket.io/?EIO=4&transport=polling&sid=x`, { method: "POST", body })
    expect([answer.status, answer.headers.get("content-type")]).toEqual([413, "application/problem+json"])
  }
})

test("while the realtime process is down, polls are 503 and websockets are refused", async () => {
  await using port = publicPort(`http://127.0.0.1:${await freePort()}`)
  const answer = await fetch(`${port.url}/socket.io/?EIO=4&transport=polling`)
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"])
  expect(await answer.json()).toMatchObject({ status: 503, instance: "/socket.io/" })
  const diary = listen(port.url, { uid: "someone" })
  await until("it is refused", () => diary.errors.length > 0, 2_000)
  diary.socket.close()
})

test.each([[["websocket"]], [["polling"]], [["polling", "websocket"]]])(
  "when the realtime process is killed and starts again, clients come back by themselves and miss nothing: %p",
  async (transports) => {
    const realtimePort = await freePort()
    const start = () =>
      Bun.spawn([process.execPath, `${import.meta.dir}/../realtime/main.ts`], {
        env: { ...process.env, ...stage.settings, PORT: String(realtimePort) },
        stdout: "ignore",
        stderr: "inherit",
      })
    let realtime = start()
    await using port = publicPort(`http://127.0.0.1:${realtimePort}`)
    const { uid, doctorId } = await stage.doctor()
    let lastOffset = 0
    const diary = listen(port.url, {
      uid,
      transports,
      reconnection: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      auth: (give) => give({ token: tokenOf(uid), lastOffset }),
    })
    diary.socket.onAny((_name, _data, meta) => {
      lastOffset = meta?.offset ?? lastOffset
    })
    await until("ready", () => diary.ready.length === 1, 8_000)
    await stage.tell(appointmentUpdate({ doctorId }))
    await until("heard", () => diary.heard.length === 1)
    realtime.kill("SIGKILL")
    await realtime.exited
    await stage.tell(appointmentUpdate({ doctorId }), appointmentUpdate({ doctorId }))
    realtime = start()
    await until("ready again", () => diary.ready.length === 2, 8_000)
    await until("all are heard", () => diary.heard.length === 3)
    expect(offsetsOf(diary)).toEqual(offsetsOf(diary).toSorted((a, b) => a - b))
    diary.socket.close()
    realtime.kill("SIGTERM")
    expect(await realtime.exited).toBe(0)
  },
  20_000,
)
