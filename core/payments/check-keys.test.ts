import { afterAll, beforeAll, expect, test } from "bun:test"
import { clinicOf, type TestApi, testApi } from "../../tests/harness/api.ts"
import { freePort, until } from "../../tests/harness/services.ts"
import type { PaymentKey } from "../payment-keys.ts"
import { findUnreadableKeys } from "./check-keys.ts"
import { newKey, settingOf, storeCards } from "./test-cards.ts"

const [one, two] = [newKey("one"), newKey("two")]
let api: TestApi
beforeAll(async () => {
  api = await testApi()
  const clinic = await clinicOf(api)
  expect(await findUnreadableKeys(api.database.pool, [one])).toEqual([])
  await storeCards(api.database.pool, [one], clinic, 20)
  await storeCards(api.database.pool, [two], clinic, 20)
})
afterAll(() => api[Symbol.asyncDispose]())

async function production(port: number, ...keys: PaymentKey[]) {
  const env = {
    PATH: process.env.PATH ?? "",
    NODE_ENV: "production",
    HOST: "127.0.0.1",
    PORT: String(port),
    DATABASE_URL: api.database.url,
    REDIS_HOST: "127.0.0.1",
    REDIS_PORT: String(api.redis.config.port),
    FIREBASE_PROJECT_ID: "demo-pulsecal",
    LOG_LEVEL: "silent",
    PAYMENT_KEYS: settingOf(...keys),
  }
  return Bun.spawn([process.execPath, `${import.meta.dir}/../../api/main.ts`], { env, stdout: "pipe", stderr: "pipe" })
}

test("a key that is missing, or another under the same id, is found; a damaged card is not taken for one", async () => {
  const { pool } = api.database
  expect(await findUnreadableKeys(pool, [one, two])).toEqual([])
  expect(await findUnreadableKeys(pool, [two])).toEqual(["one"])
  expect(await findUnreadableKeys(pool, [newKey("one"), two])).toEqual(["one"])
  expect(await findUnreadableKeys(pool, [newKey("three")])).toEqual(["one", "two"])
  await pool`update payments set card_sealed = '\\x00' where id = (select id from payments where card_key_id = 'one' order by id limit 1)`
  expect(await findUnreadableKeys(pool, [one, two])).toEqual([])
})

test("in production no API starts with keys that do not open what is stored; it says which key and prints none", async () => {
  const wrong = newKey("two")
  const refused = await production(0, one, wrong)
  const [out, err, code] = await Promise.all([refused.stdout.text(), refused.stderr.text(), refused.exited])
  expect(code).toBe(1)
  expect(err).toContain("PAYMENT_KEYS: no key opens the cards stored under two")
  for (const { key } of [one, wrong]) expect(out + err).not.toContain(key.export().toString("base64"))
})

test("in production an API starts with keys that do", async () => {
  const port = await freePort()
  const started = await production(port, two, one)
  const ready = () =>
    fetch(`http://127.0.0.1:${port}/health/ready`).then(
      (a) => a.ok,
      () => false,
    )
  try {
    await until("it is ready", ready, 10_000)
  } finally {
    started.kill("SIGKILL")
    await started.exited
  }
})
