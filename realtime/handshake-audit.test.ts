import { afterAll, beforeAll, expect, test } from "bun:test"
import { listAccessOf } from "../core/audit/list.ts"
import { sealAudit } from "../core/audit/seal.ts"
import { UNHEARD_A_CALLER } from "../core/audit/unheard.ts"
import { verifyAudit } from "../core/audit/verify.ts"
import { openLog } from "../core/log.ts"
import {
  appointmentUpdate,
  type ClientOptions,
  type Listening,
  listen,
  listening,
  type TestStage,
  testStage,
  tokenOf,
} from "../tests/harness/realtime.ts"
import { until } from "../tests/harness/services.ts"
import type { Realtime } from "./server.ts"

let stage: TestStage
let realtime: Realtime
beforeAll(async () => {
  stage = await testStage()
  realtime = await stage.start({}, { TRUSTED_PROXIES: "127.0.0.0/8" })
})
afterAll(() => stage[Symbol.asyncDispose]())

/** Each from an address of its own, so that none takes another's share of what is written down of refusals. */
let addresses = 0
const from = () => `198.51.100.${++addresses}`
const at = (address: string) => ({ extraHeaders: { "x-forwarded-for": address } })

type Entry = Record<string, unknown>

/** What stands in the log of sockets that come from there, oldest first. */
async function written(address: string, pool = stage.pool): Promise<Entry[]> {
  await sealAudit(pool, openLog("test", "silent"))
  const rows = await pool<{ entry: string }[]>`
    select entry from audit_log
    where entry::json->>'resource' = 'socket' and entry::json->>'address' = ${address} order by position`
  return rows.map(({ entry }) => JSON.parse(entry) as Entry)
}

const close = (...diaries: Listening[]) => {
  for (const { socket } of diaries) socket.close()
}

async function refused(options: ClientOptions, url = realtime.url): Promise<string | undefined> {
  const diary = listen(url, options)
  await until("an answer", () => diary.errors.length > 0 || diary.ready.length > 0)
  close(diary)
  return diary.errors[0]
}

test("each socket that is let in is written down: who, from where, and after which event it is told what it missed", async () => {
  const [patient, doctor] = [await stage.patient("Oslo"), await stage.doctor()]
  const desk = await stage.receptionist(doctor.clinicId)
  const pending = await stage.receptionist(doctor.clinicId, "PENDING")
  const people = { PATIENT: patient.uid, DOCTOR: doctor.uid, RECEPTIONIST: desk.uid, pending: pending.uid, newcomer: "new-here" }
  for (const [who, uid] of Object.entries(people)) {
    const role = who === "pending" ? "RECEPTIONIST" : who === "newcomer" ? null : who
    const ids = role === "PATIENT" ? [patient.patientId] : []
    const address = from()
    for (const [transport, lastOffset] of [
      ["websocket", undefined],
      ["polling", 1],
    ] as const)
      close(await listening(realtime.url, { uid, lastOffset, transports: [transport], ...at(address) }))
    const entry = { at: expect.any(String), uid, role, address, action: "READ", resource: "socket", ids, outcome: "DONE" }
    expect(await written(address)).toEqual([
      { ...entry, lastOffset: null },
      { ...entry, lastOffset: 1 },
    ])
  }
  const { findings } = await verifyAudit(stage.pool, { retentionDays: 2_192, now: Date.now() })
  expect(findings).toEqual([])
})

test("a patient is told of their own sockets; a clinic's name no patient in advance", async () => {
  const [patient, doctor] = [await stage.patient("Oslo"), await stage.doctor()]
  close(
    await listening(realtime.url, { uid: patient.uid, ...at(from()) }),
    await listening(realtime.url, { uid: doctor.uid, ...at(from()) }),
  )
  await sealAudit(stage.pool, openLog("test", "silent"))
  const { data } = await listAccessOf(stage.pool, { role: "PATIENT", city: null, ...patient }, { cursor: undefined, limit: 10 })
  expect((data as Entry[]).filter((entry) => entry.resource === "socket")).toEqual([
    {
      at: expect.any(String),
      actorRole: "PATIENT",
      actorName: "Pat Jones",
      action: "READ",
      resource: "socket",
      resourceId: patient.patientId,
      outcome: "DONE",
    },
  ])
})

test("who is turned away is written down as well, with why: by the clinic, for the token, for what was asked", async () => {
  const doctor = await stage.doctor()
  for (const transport of ["websocket", "polling"])
    for (const status of ["REVOKED", "REJECTED"]) {
      const { uid } = await stage.receptionist(doctor.clinicId, status)
      const address = from()
      expect(await refused({ uid, transports: [transport], ...at(address) })).toBe("forbidden")
      expect(await written(address)).toMatchObject([{ uid, role: "RECEPTIONIST", ids: [], outcome: "FORBIDDEN" }])
    }
  const [tokens, offsets, renewals] = [from(), from(), from()]
  for (const token of [tokenOf(doctor.uid, -10), "nonsense", ""]) expect(await refused({ token, ...at(tokens) })).toBe("unauthorized")
  expect(await written(tokens)).toMatchObject(Array(3).fill({ uid: null, role: null, ids: [], outcome: "UNAUTHORIZED" }))
  expect(await refused({ uid: doctor.uid, lastOffset: "x", ...at(offsets) })).toStartWith("lastOffset")
  expect(await written(offsets)).toMatchObject([{ uid: doctor.uid, outcome: "INVALID" }])
  const diary = await listening(realtime.url, { uid: doctor.uid, ...at(renewals) })
  expect(await diary.socket.emitWithAck("auth:refresh", tokenOf("someone-else"))).toEqual({ ok: false, error: "unauthorized" })
  expect(await diary.socket.emitWithAck("auth:refresh", tokenOf(doctor.uid))).toEqual({ ok: true })
  expect((await written(renewals)).map(({ uid, outcome }) => [uid, outcome])).toEqual([
    [doctor.uid, "DONE"],
    [doctor.uid, "UNAUTHORIZED"],
  ])
  close(diary)
})

test("a flood of them leaves no more than one caller may have in a minute, and each is answered; how many more there were is told", async () => {
  await using own = await testStage()
  const flooded = await own.start({}, { TRUSTED_PROXIES: "127.0.0.0/8" })
  const address = from()
  const answers = await Promise.all(Array.from({ length: 60 }, () => refused({ token: "nonsense", ...at(address) }, flooded.url)))
  expect(new Set(answers)).toEqual(new Set(["unauthorized"]))
  expect(await written(address, own.pool)).toHaveLength(UNHEARD_A_CALLER)
  await flooded.stop()
  await sealAudit(own.pool, openLog("test", "silent"))
  const counts = await own.pool<{ entry: string }[]>`select entry from audit_log where entry::json->>'unwritten' is not null`
  expect(counts.map(({ entry }) => JSON.parse(entry))).toMatchObject([
    { uid: null, address: null, resource: "socket", outcome: "UNAUTHORIZED", unwritten: 60 - UNHEARD_A_CALLER },
  ])
}, 20_000)

test("nobody is let in, or told why not, before that is committed; who is in goes on hearing", async () => {
  const { uid, doctorId, clinicId } = await stage.doctor()
  const revoked = await stage.receptionist(clinicId, "REVOKED")
  const bystander = await listening(realtime.url, { uid, ...at(from()) })
  const [address, other] = [from(), from()]
  const { diaries } = await stage.pool.begin(async (tx) => {
    await tx`lock table audit_inbox in share mode`
    const diaries = [listen(realtime.url, { uid, ...at(address) }), listen(realtime.url, { uid: revoked.uid, ...at(other) })]
    const waits = () => stage.pool`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into audit_inbox%'`
    await until("the entries wait", async () => (await waits()).length > 0)
    await stage.tell(appointmentUpdate({ doctorId }))
    await until("the bystander hears", () => bystander.heard.length === 1)
    expect(diaries.map(({ socket, errors }) => [socket.connected, errors])).toEqual([
      [false, []],
      [false, []],
    ])
    return { diaries }
  })
  const [admitted, turnedAway] = diaries as [Listening, Listening]
  await until("both are told", () => admitted.ready.length === 1 && turnedAway.errors.length === 1)
  expect(turnedAway.errors).toEqual(["forbidden"])
  expect([(await written(address)).length, (await written(other)).length]).toEqual([1, 1])
  close(bystander, admitted)
})

test("what cannot be written down does not happen, and who was not let in comes in by itself once it can be", async () => {
  await using own = await testStage()
  const { url } = await own.start({}, { TRUSTED_PROXIES: "127.0.0.0/8" })
  const { uid, doctorId, clinicId } = await own.doctor()
  const revoked = await own.receptionist(clinicId, "REVOKED")
  const bystander = await listening(url, { uid, ...at("192.0.2.1") })
  await own.pool`revoke insert on audit_inbox from pulsecal_app`
  const newcomer = listen(url, { uid, reconnection: true, ...at("192.0.2.2") })
  const turnedAway = listen(url, { uid: revoked.uid, ...at("192.0.2.3") })
  await until("the one who is turned away is cut without a word", () => turnedAway.socket.io.engine?.readyState === "closed")
  await own.tell(appointmentUpdate({ doctorId }))
  await until("the bystander hears", () => bystander.heard.length === 1)
  expect([newcomer.socket.connected, newcomer.ready, turnedAway.errors]).toEqual([false, [], []])
  await own.pool`grant insert on audit_inbox to pulsecal_app`
  await until("the newcomer is in", () => newcomer.ready.length > 0, 10_000)
  expect(await written("192.0.2.2", own.pool)).toHaveLength(1)
  close(bystander, newcomer)
}, 20_000)

test("of hundreds who come at once each is written down once, and none is turned away", async () => {
  const [{ uid }, address] = [await stage.doctor(), from()]
  const diaries = Array.from({ length: 400 }, () => listen(realtime.url, { uid, lastOffset: 0, ...at(address) }))
  await until("all are ready", () => diaries.every((d) => d.ready.length === 1), 15_000)
  expect(diaries.flatMap((d) => [...d.errors, ...d.disconnects])).toEqual([])
  expect(await written(address)).toHaveLength(400)
  close(...diaries)
}, 20_000)

test("a person's handshakes are limited as their reads are: one too many is cut, to come again, and others are let in", async () => {
  await using own = await testStage()
  const settings = { TRUSTED_PROXIES: "127.0.0.0/8", RATE_LIMIT: "1", RATE_LIMIT_READS_PER_MINUTE: "3" }
  const { url } = await own.start({}, settings)
  const [busy, other] = [await own.doctor(), await own.doctor()]
  for (let n = 0; n < 3; n++) close(await listening(url, { uid: busy.uid, ...at("192.0.2.1") }))
  const fourth = listen(url, { uid: busy.uid, ...at("192.0.2.1") })
  await until("it is written down", async () => (await written("192.0.2.1", own.pool)).length === 4)
  expect((await written("192.0.2.1", own.pool)).at(-1)).toMatchObject({ uid: busy.uid, outcome: "LIMITED" })
  close(await listening(url, { uid: other.uid, ...at("192.0.2.1") }), fourth)
  expect([fourth.ready, fourth.errors]).toEqual([[], []])
})

test("where no proxy is trusted, the address is the connection's, whatever the headers say", async () => {
  const plain = await stage.start()
  const { uid } = await stage.doctor()
  close(await listening(plain.url, { uid, ...at("203.0.113.99") }))
  expect(await written("203.0.113.99")).toEqual([])
  expect((await written("127.0.0.1")).map((entry) => entry.uid)).toContain(uid)
})
