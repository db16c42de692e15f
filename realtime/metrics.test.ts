import { afterAll, beforeAll, expect, test } from "bun:test"
import { scrape, valueIn } from "../tests/harness/metrics.ts"
import { appointmentUpdate, listen, listening, type TestStage, testStage } from "../tests/harness/realtime.ts"
import { until } from "../tests/harness/services.ts"

let stage: TestStage
beforeAll(async () => {
  stage = await testStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

const event = "appointment:update"

test("connections, sockets, emits, deliveries, replays and the follower's lag are those of the process", async () => {
  const realtime = await stage.start({}, { METRICS_PORT: "0" })
  const read = async (name: string, labels = {}) => valueIn(await scrape(realtime.metricsPort), `pulsecal_realtime_${name}`, labels)
  const [pat, away] = [await stage.patient(), await stage.patient()]
  const doc = await stage.doctor()
  const before = realtime.cursor() as number
  // Of three events one is for nobody here, one for two sockets in two rooms, one for one.
  const clients = [await listening(realtime.url, { uid: pat.uid }), await listening(realtime.url, { uid: doc.uid })]
  await stage.tell(appointmentUpdate({ patientId: away.patientId }), appointmentUpdate({ ...pat, ...doc }), appointmentUpdate(pat))
  await until("they are heard", () => clients[0]?.heard.length === 2 && clients[1]?.heard.length === 1)
  expect([await read("emits_total", { event }), await read("deliveries_total", { event })]).toEqual([2, 3])
  expect([await read("sockets"), await read("connections")]).toEqual([2, 2])
  expect(await read("replay_events_count")).toBe(0)

  clients.push(await listening(realtime.url, { uid: pat.uid, lastOffset: before }))
  expect([await read("replay_events_count"), await read("replay_events_sum")]).toEqual([1, 2])
  expect([await read("sockets"), await read("gaps_total")]).toEqual([3, 0])
  const lag = valueIn(await scrape(realtime.metricsPort), "pulsecal_consumer_lag_events", { messaging_consumer_group_name: "realtime" })
  expect(lag).toBe(0)

  for (const { socket } of clients) socket.disconnect()
  await until("all are gone", async () => (await read("sockets")) === 0 && (await read("connections")) === 0)
  await realtime.stop()
})

test("who is turned away is counted by the reason, and so is a socket that missed what is no longer kept", async () => {
  const realtime = await stage.start({}, { METRICS_PORT: "0" })
  const read = async (name: string, labels = {}) => valueIn(await scrape(realtime.metricsPort), `pulsecal_realtime_${name}`, labels)
  const { uid } = await stage.patient()
  const { clinicId } = await stage.doctor()
  const barred = await stage.receptionist(clinicId, "REVOKED")
  for (const handshake of [{ token: "nonsense" }, { token: "" }, { uid, lastOffset: -1 }, { uid: barred.uid }]) {
    const diary = listen(realtime.url, handshake)
    await until("it is turned away", () => diary.errors.length > 0)
    diary.socket.disconnect()
  }
  const reasons = ["unauthorized", "malformed", "forbidden"]
  expect(await Promise.all(reasons.map((reason) => read("refusals_total", { reason })))).toEqual([2, 1, 1])

  const ahead = await listening(realtime.url, { uid, lastOffset: 1_000_000 })
  expect([ahead.gaps.length, await read("gaps_total")]).toEqual([1, 1])
  ahead.socket.disconnect()
  await realtime.stop()
})
