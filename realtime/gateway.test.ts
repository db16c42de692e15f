import { afterAll, beforeAll, expect, test } from "bun:test"
import { base64url } from "jose"
import { io } from "socket.io-client"
import { mintDevelopmentToken } from "../core/auth/development.ts"
import { appointmentUpdate, listen, listening, offsetsOf, type TestStage, testStage, tokenOf } from "../tests/harness/realtime.ts"
import { freePort, until } from "../tests/harness/services.ts"
import type { Realtime } from "./server.ts"

let stage: TestStage
let realtime: Realtime

beforeAll(async () => {
  stage = await testStage()
  realtime = await stage.start()
})
afterAll(() => stage[Symbol.asyncDispose]())

async function refusal(options: Parameters<typeof listen>[1]): Promise<string | undefined> {
  const diary = listen(realtime.url, options)
  await until("an answer", () => diary.errors.length > 0 || diary.ready.length > 0)
  diary.socket.close()
  return diary.errors[0]
}

/** A token whose claims were changed after it was made. */
function altered(token: string, change: Record<string, unknown>): string {
  const [header, claims] = token.split(".") as [string, string]
  const altered_ = { ...JSON.parse(new TextDecoder().decode(base64url.decode(claims))), ...change }
  return `${header}.${base64url.encode(JSON.stringify(altered_))}.`
}

test.each([
  ["missing", undefined],
  ["empty", ""],
  ["not a token", "let me in"],
  ["expired", tokenOf("someone", -10)],
  ["another project's", mintDevelopmentToken({ projectId: "another", uid: "someone", expiresInSeconds: 60 })],
  ["without a subject", altered(tokenOf("someone"), { sub: "" })],
  ["signed by someone else", `${tokenOf("someone")}c2lnbmF0dXJl`],
  ["a number", 42],
])("a handshake whose token is %s is refused as unauthorized, by websocket and by polling", async (_, token) => {
  const options = { token: token as string }
  expect(await refusal(options)).toBe("unauthorized")
  expect(await refusal({ ...options, transports: ["polling"] })).toBe("unauthorized")
})

test.each([-1, 1.5, "x", "-1", "1e3", 2 ** 53, {}, true])("lastOffset %p is refused by name", async (lastOffset) => {
  expect(await refusal({ uid: "someone", lastOffset })).toBe("lastOffset: must be a non-negative integer")
})

test("the namespace / and unknown ones let nobody in", async () => {
  for (const [path, message] of [
    ["/", "unauthorized"],
    ["/admin", "Invalid namespace"],
  ]) {
    const socket = io(`${realtime.url}${path}`, { forceNew: true, reconnection: false, auth: { token: tokenOf("someone") } })
    const error = await new Promise<Error>((resolve) => socket.once("connect_error", resolve))
    expect(error.message).toBe(message as string)
    socket.close()
  }
})

test("someone without a profile may connect, and hears their first events as soon as they have made one", async () => {
  const uid = `doctor-${Bun.randomUUIDv7()}`
  const diary = await listening(realtime.url, { uid })
  const { doctorId } = await stage.doctor("Springfield", uid)
  await stage.tell(appointmentUpdate({ doctorId }))
  await until("the event is heard", () => diary.heard.length === 1)
  diary.socket.close()
})

test("payload and meta are exactly what was promised", async () => {
  const { uid, doctorId } = await stage.doctor()
  const diary = await listening(realtime.url, { uid })
  const data = { appointmentId: Bun.randomUUIDv7(), patientName: "José 🦷", scheduledAt: "2030-01-01T10:00:00Z", reason: null }
  await stage.tell({ name: "appointment:new", data, about: { doctorId, clinicId: Bun.randomUUIDv7() } })
  await until("the event is heard", () => diary.heard.length === 1)
  const [heard] = diary.heard
  expect(heard?.name).toBe("appointment:new")
  expect(heard?.data).toEqual(data)
  expect(Object.keys(heard?.meta ?? {}).sort()).toEqual(["id", "occurredAt", "offset"])
  expect(Number.isSafeInteger(heard?.meta.offset)).toBe(true)
  expect(heard?.meta.occurredAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
  diary.socket.close()
})

test("doctor, patient and desk hear of their own appointment once each, and nobody else does", async () => {
  const [doctor, other, patient] = [await stage.doctor(), await stage.doctor(), await stage.patient("Oslo")]
  const desk = await stage.receptionist(doctor.clinicId)
  const pending = await stage.receptionist(doctor.clinicId, "PENDING")
  const uids = [doctor.uid, patient.uid, desk.uid, other.uid, pending.uid]
  const diaries = await Promise.all(uids.map((uid) => listening(realtime.url, { uid })))
  await stage.tell(appointmentUpdate({ ...doctor, patientId: patient.patientId }))
  await stage.tell(...[other.doctorId, doctor.doctorId].map((doctorId) => appointmentUpdate({ doctorId })))
  await until("the last event is heard", () => diaries[0]?.heard.length === 2)
  await Bun.sleep(50)
  expect(diaries.map((d) => d.heard.length)).toEqual([2, 1, 1, 1, 0])
  for (const diary of diaries) diary.socket.close()
})

test("doctor:new reaches patients of the same city, however its name is written, and no one else", async () => {
  const cities = ["São Paulo", "SÃO PAULO", "Sao Paulo", null]
  const patients = await Promise.all(cities.map((city) => stage.patient(city)))
  const diaries = await Promise.all(patients.map(({ uid }) => listening(realtime.url, { uid })))
  const doctor = await stage.doctor("são paulo")
  await until("both have heard", () => diaries[0]?.heard.length === 1 && diaries[1]?.heard.length === 1)
  await Bun.sleep(50)
  expect(diaries.map((d) => d.heard.length)).toEqual([1, 1, 0, 0])
  expect(diaries[0]?.heard[0]?.data).toEqual({ doctorId: doctor.doctorId, city: "são paulo" })
  for (const diary of diaries) diary.socket.close()
})

test("what a client emits is ignored, and what is too large cuts it", async () => {
  const { uid, doctorId } = await stage.doctor()
  const diary = await listening(realtime.url, { uid })
  const other = await listening(realtime.url, { uid })
  diary.socket.emit("appointment:new", { appointmentId: "x" }, { offset: 1 })
  diary.socket.emit("join", "desk:1")
  diary.socket.emit("auth:refresh")
  await stage.tell(appointmentUpdate({ doctorId }))
  await until("both go on hearing", () => diary.heard.length === 1 && other.heard.length === 1)
  diary.socket.emit("x", "x".repeat(100_000))
  await until("it is cut", () => diary.disconnects.length === 1)
  expect(other.disconnects).toEqual([])
  other.socket.close()
})

test("a client that asks to join again and again on one connection is cut, having cost one handshake", async () => {
  const ws = new WebSocket(`${realtime.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`)
  const answers: string[] = []
  ws.onmessage = ({ data }) => answers.push(String(data))
  await until("open", () => answers.length === 1)
  for (let i = 0; i < 50; i++) ws.send(`40/notifications,${JSON.stringify({ token: tokenOf("someone") })}`)
  const count = (start: string) => answers.filter((a) => a.startsWith(start)).length
  await until("it is cut", () => ws.readyState === WebSocket.CLOSED)
  expect(count("40/notifications")).toBeLessThanOrEqual(1)
})

const garbage = [
  "",
  "x",
  "4",
  "49",
  "4{",
  "42",
  "40/notifications,{",
  '42/notifications,["auth:refresh"',
  "451-",
  "3probe",
  "5",
  "6",
  "1",
  "\u0000",
  "40".repeat(9),
]

test("garbage cuts at most its own connection", async () => {
  const { uid, doctorId } = await stage.doctor()
  const diary = await listening(realtime.url, { uid })
  for (const body of garbage) {
    const ws = new WebSocket(`${realtime.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`)
    await new Promise((resolve) => ws.addEventListener("open", resolve))
    ws.send(body)
    ws.send(new Uint8Array([4, 0, 255]))
    const url = `${realtime.url}/socket.io/?EIO=4&transport=polling`
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
    const answers = [await fetch(`${url}&sid=${sid}`, { method: "POST", body }), await fetch(`${url}&sid=${sid}`, { method: "PUT", body })]
    for (const { status } of answers) expect([200, 400]).toContain(status)
    await Bun.sleep(2)
    ws.terminate()
  }
  for (const query of ["", "?EIO=3&transport=polling", "?EIO=4&transport=carrier-pigeon", "?EIO=4&transport=polling&sid=x"])
    expect((await fetch(`${realtime.url}/socket.io/${query}`)).status).toBe(400)
  await stage.tell(appointmentUpdate({ doctorId }))
  await until("others go on hearing", () => diary.heard.length === 1)
  diary.socket.close()
})

test("connections above the limit are turned away, and those that stand are not", async () => {
  const small = await stage.start({ maxConnections: 1 })
  const { uid, doctorId } = await stage.doctor()
  const diary = await listening(small.url, { uid, transports: ["polling"] })
  for (const sid of ["", "&sid", "&sid="]) {
    const second = await fetch(`${small.url}/socket.io/?EIO=4&transport=polling${sid}`)
    expect([sid, second.status, second.headers.get("retry-after")]).toEqual([sid, 503, "5"])
  }
  await stage.tell(appointmentUpdate({ doctorId }))
  await until("the first goes on hearing", () => diary.heard.length === 1)
  diary.socket.close()
  await until("its place is free", () => small.connections() === 0)
})

test("health answers on the same port", async () => {
  expect(await (await fetch(`${realtime.url}/health`)).json()).toMatchObject({ status: "ok" })
  const ready = await fetch(`${realtime.url}/health/ready`)
  expect([ready.status, await ready.json()]).toMatchObject([200, { status: "ok", checks: { postgres: "ok", redis: "ok" } }])
})

test("without Redis events arrive still, and when it is back they arrive fast again", async () => {
  await using own = await testStage()
  const alone = await own.start()
  const { uid, doctorId } = await own.doctor()
  const diary = await listening(alone.url, { uid })
  await own.redis.kill()
  await own.tell(appointmentUpdate({ doctorId }))
  await until("heard without Redis", () => diary.heard.length === 1, 8_000)
  await own.redis.start()
  await own.tell(appointmentUpdate({ doctorId }))
  await until("heard with Redis", () => diary.heard.length === 2, 8_000)
  expect(offsetsOf(diary)).toEqual(offsetsOf(diary).toSorted((a, b) => a - b))
  await own.redis.kill()
  diary.socket.close()
}, 30_000)

test("a process whose Redis dies, or was never there, stops cleanly and within its time", async () => {
  await using own = await testStage()
  const run = async (lose: () => Promise<void>) => {
    const port = await freePort()
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/main.ts`], {
      env: { ...process.env, ...own.settings, PORT: String(port) },
      stdout: "ignore",
      stderr: "pipe",
    })
    await until("it is ready", async () => (await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined))?.ok, 8_000)
    await lose()
    child.kill("SIGTERM")
    return [await child.exited, (await new Response(child.stderr).text()).includes("error")]
  }
  expect(await run(() => own.redis.kill())).toEqual([0, false])
  expect(await run(async () => {})).toEqual([0, false])
}, 20_000)

test("a process that starts without Redis serves sockets", async () => {
  await using own = await testStage()
  const { uid, doctorId } = await own.doctor()
  await own.redis.kill()
  const alone = await own.start()
  const diary = await listening(alone.url, { uid })
  await own.tell(appointmentUpdate({ doctorId }))
  await until("heard without Redis", () => diary.heard.length === 1, 8_000)
  diary.socket.close()
}, 30_000)
