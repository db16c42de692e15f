import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test"
import { hostname } from "node:os"
import { sealAudit } from "../core/audit/seal.ts"
import { openLog } from "../core/log.ts"
import type { PaymentKey } from "../core/payment-keys.ts"
import { newKey, settingOf, storeCards, storedCards, unopened } from "../core/payments/test-cards.ts"
import { clinicOf, type TestApi, testApi } from "../tests/harness/api.ts"
import { until } from "../tests/harness/services.ts"

const [older, newer] = [newKey("k1"), newKey("k2")]
let api: TestApi
let clinic: Awaited<ReturnType<typeof clinicOf>>
beforeAll(async () => {
  // The system as it runs while keys are rotated: the newer key is first everywhere.
  api = await testApi({ PAYMENT_KEYS: settingOf(newer, older) })
  clinic = await clinicOf(api)
})
beforeEach(async () => {
  await api.database.pool`delete from payments`
})
afterAll(() => api[Symbol.asyncDispose]())

function rotate(...keys: PaymentKey[]) {
  const env = { PATH: process.env.PATH ?? "", DATABASE_URL: api.database.url, PAYMENT_KEYS: settingOf(...keys) }
  const child = Bun.spawn([process.execPath, "scripts/rotate-keys.ts"], {
    env,
    stdout: "pipe",
    stderr: "pipe",
    cwd: `${import.meta.dir}/..`,
  })
  const ended = async () => {
    const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    return { out, err, code }
  }
  return { child, ended }
}

const someUnder = async (keyId: string) => (await api.database.pool`select from payments where card_key_id = ${keyId} limit 1`).length > 0

test("killed in the middle and run again, every card opens with the newer key alone and no other column has changed", async () => {
  const CARDS = 10_000
  await storeCards(api.database.pool, [older], clinic, CARDS)
  const others = () =>
    api.database.pool`
      select md5(string_agg((to_jsonb(p) - 'card_sealed' - 'card_key_id')::text, '' order by id)) as digest from payments p`
  const before = [...(await others())]
  const { child } = rotate(newer, older)
  await until("some are done", () => someUnder("k2"))
  // The table stands still, so the process is in the middle of a transaction when it dies.
  const held = await api.database.pool.reserve()
  await held`begin`
  await held`lock table payments in share mode`
  child.kill("SIGKILL")
  await child.exited
  await held`rollback`
  held.release()
  const rows = await storedCards(api.database.pool)
  const done = rows.filter((row) => row.keyId === "k2").length
  expect(done).toBeGreaterThan(0)
  expect(done).toBeLessThan(CARDS)
  expect(unopened([newer, older], rows)).toEqual([])

  const { out, code } = await rotate(newer, older).ended()
  expect(code).toBe(0)
  expect(out).toContain(`${CARDS - done} cards re-encrypted with the key k2`)
  expect(out).toContain("the older keys may go")
  expect(unopened([newer], await storedCards(api.database.pool))).toEqual([])
  expect([...(await others())]).toEqual(before)
}, 30_000)

test("while payments are made and completed, two rotations at once re-encrypt each card once and no call fails", async () => {
  const CARDS = 3_000
  await storeCards(api.database.pool, [older], clinic, CARDS)
  const rotations = [rotate(newer, older).ended(), rotate(newer, older).ended()]
  let running = true
  const all = Promise.all(rotations).finally(() => {
    running = false
  })
  const statuses: number[] = []
  const ids = (await storedCards(api.database.pool)).map((row) => row.id)
  const card = { number: "4242424242424242", expMonth: 12, expYear: 2090, holder: "Pat" }
  const { doctorId, patientId } = clinic
  while (running && ids.length > 0) {
    const some = ids.splice(Math.floor(Math.random() * Math.max(1, ids.length - 10)), 5)
    const answers = await Promise.all([
      ...some.map((id) => clinic.doctor.put(`/payments/${id}/status`, { status: "COMPLETED" })),
      clinic.patient.post("/payments", { doctorId, patientId, amount: 10, method: "CARD", card }),
    ])
    statuses.push(...answers.map((a) => a.status))
  }
  const ended = await all
  expect(ended.map((e) => e.code)).toEqual([0, 0])
  const counts = ended.map((e) => Number(/^(\d+) cards re-encrypted with/m.exec(e.out)?.[1]))
  expect(counts.reduce((sum, n) => sum + n, 0)).toBe(CARDS)
  expect(statuses.filter((s) => s !== 200 && s !== 201)).toEqual([])
  expect(statuses.length).toBeGreaterThan(0)
  expect(unopened([newer], await storedCards(api.database.pool))).toEqual([])
}, 30_000)

test("each card that was re-encrypted is in the audit once, whatever was killed, as the operator's change of the patient's payment", async () => {
  const CARDS = 250
  const { database } = api
  await storeCards(database.pool, [older], clinic, CARDS)
  const { child } = rotate(newer, older)
  await until("some are done", () => someUnder("k2"))
  child.kill("SIGKILL")
  await child.exited
  expect((await rotate(newer, older).ended()).code).toBe(0)
  await sealAudit(database.pool, openLog("test", "silent"))
  const ids = (await storedCards(database.pool)).map((row) => row.id)
  const rows = await database.pool<{ entry: string; patients: string }[]>`
    select entry, array_to_string(patients, ',') as patients from audit_log
    where (entry::json->'ids'->>0)::uuid = any (${ids}::uuid[]) order by position`
  const told = rows.map(({ entry }) => JSON.parse(entry))
  expect(told.flatMap((entry) => entry.ids).toSorted()).toEqual(ids)
  for (const entry of told)
    expect(entry).toMatchObject({
      uid: null,
      role: "OPERATOR",
      address: hostname(),
      action: "CHANGE",
      resource: "payment",
      outcome: "DONE",
    })
  expect(new Set(rows.map(({ patients }) => patients))).toEqual(new Set([clinic.patientId]))
  const { body } = await clinic.patient.get("/audit/me?limit=1")
  expect(body.data).toMatchObject([{ actorRole: "OPERATOR", actorName: null, action: "CHANGE", resource: "payment", outcome: "DONE" }])
}, 30_000)

test("cards that no given key opens are left as they are and counted, the rest is done, and the exit code is 1", async () => {
  const [unknown, impostor] = [newKey("k0"), newKey("k1")]
  await storeCards(api.database.pool, [unknown], clinic, 3)
  await storeCards(api.database.pool, [impostor], clinic, 150)
  await storeCards(api.database.pool, [older], clinic, 250)
  const { out, err, code } = await rotate(newer, older).ended()
  expect(code).toBe(1)
  expect(out).toContain("250 cards re-encrypted with the key k2")
  expect(err).toContain("3 cards are still under the key k0")
  expect(err).toContain("150 cards are still under the key k1")
  expect(err).toContain("no key of PAYMENT_KEYS opens those under k0")
  expect(err).toContain("150 cards do not open with the key that they name")
  expect(unopened([newer, impostor, unknown], await storedCards(api.database.pool))).toEqual([])
  for (const key of [older, newer]) expect(out + err).not.toContain(key.key.export().toString("base64"))
})

test("malformed keys are refused by name and never printed", async () => {
  const env = { PATH: process.env.PATH ?? "", DATABASE_URL: api.database.url, PAYMENT_KEYS: "k1:c2VjcmV0" }
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/rotate-keys.ts`], { env, stdout: "pipe", stderr: "pipe" })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  expect([code, err.startsWith("PAYMENT_KEYS: entry 1"), (out + err).includes("c2VjcmV0")]).toEqual([1, true, false])
})
