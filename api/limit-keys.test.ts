import { expect, test } from "bun:test"
import { Redis } from "ioredis"
import { clinicOf, testApi } from "../tests/harness/api.ts"

const CODES_WINDOW_SECONDS = 3_600
const WRITES_WINDOW_SECONDS = 60
const GUESSES = 30

test("what is counted of callers in Redis, below the limit, at it and far over it, has at most its window left to live", async () => {
  await using api = await testApi({ RATE_LIMIT: "1", RATE_LIMIT_WRITES_PER_MINUTE: "20" })
  const { clinicId, profile } = await clinicOf(api)
  const guesser = api.person()
  const guess = (code: string) => guesser.post("/receptionists", { clinicId, verificationCode: code })
  const answers = await Promise.all(Array.from({ length: GUESSES }, (_, n) => guess(`GUESS${n}`)))
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(GUESSES - 5)
  const joined = api.person()
  expect((await joined.post("/receptionists", { clinicId, verificationCode: profile.clinicVerificationCode })).status).toBe(201)

  const redis = new Redis({ host: api.redis.config.host, port: api.redis.config.port })
  // The events' stream is bounded by its length; all else that the API keeps is of a caller.
  const keys = (await redis.keys("*")).filter((key) => !key.startsWith("pulsecal:events:"))
  const windows: [string, number][] = [
    ["pulsecal:writes:", WRITES_WINDOW_SECONDS],
    ["pulsecal:codes:", CODES_WINDOW_SECONDS],
  ]
  for (const [prefix] of windows)
    for (const { uid } of [guesser, joined]) expect(keys.some((key) => key.startsWith(prefix) && key.endsWith(uid))).toBe(true)
  for (const key of keys) {
    const [, window] = windows.find(([prefix]) => key.startsWith(prefix)) ?? []
    const ttl = await redis.ttl(key)
    expect([key, window !== undefined && ttl > 0 && ttl <= window]).toEqual([key, true])
  }
  redis.disconnect()
})
