import { afterAll, beforeAll, expect, test } from "bun:test"
import { clinicOf, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"
import { until } from "../tests/harness/services.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

test("no reading is answered before its entry is committed", async () => {
  const { patient, clinicId, doctorId, patientId, slots } = await clinicOf(api)
  const desk = await receptionistOf(api, clinicId)
  const { pool } = api.database
  const id = (await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })).body.id as string
  for (const status of ["CONFIRMED", "WAITING"]) await desk.put(`/appointments/${id}`, { status })
  const today = Bun.randomUUIDv7()
  await pool`
    insert into appointments (id, doctor_id, patient_id, during, status)
    values (${today}, ${doctorId}, ${patientId}, tstzrange(now(), now() + interval '1 minute'), 'COMPLETED')`
  const shown = { [`/appointments/${id}`]: id, "/receptionists/queue": id, "/receptionists/stats": today }
  for (const [path, named] of Object.entries(shown)) {
    let answered = false
    const reading = await pool.begin(async (tx) => {
      await tx`lock table audit_inbox in share mode`
      const reading = desk.get(path).finally(() => {
        answered = true
      })
      const waits = () => pool`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into audit_inbox%'`
      await until("the entry waits", async () => (await waits()).length > 0)
      await Bun.sleep(50)
      expect([path, answered]).toEqual([path, false])
      return { reading }
    })
    const { status, body } = await reading.reading
    expect([path, status, JSON.stringify(body).includes(named)]).toEqual([path, 200, true])
    const entries = await pool<{ entry: string }[]>`select entry::text from audit_inbox order by id desc limit 1`
    expect(JSON.parse(entries[0]?.entry ?? "{}")).toMatchObject({ action: "READ", ids: [named], outcome: "DONE" })
  }
})
