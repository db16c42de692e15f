/** What callers of an API hear while Postgres takes what it is asked and says nothing: no connection breaks, no timeout of its own fires. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { ANSWERED_WITHIN_MS } from "../api/deadline.ts"
import { type Answer, clinicOf, type TestApi, testApi } from "./harness/api.ts"
import { until } from "./harness/services.ts"

/** With what a busy machine adds. */
const ANSWERED_MAX_MS = ANSWERED_WITHIN_MS + 5_000
const NEAR = "/doctors/search?latitude=40.7&longitude=-74"

let api: TestApi
let clinic: Awaited<ReturnType<typeof clinicOf>>
beforeAll(async () => {
  // Few connections, so that all are open; and searches by SQL.
  api = await testApi({ DATABASE_POOL: "2", SEARCH_INDEX_MAX_MB: "0" })
  clinic = await clinicOf(api)
}, 30_000)
afterAll(() => api[Symbol.asyncDispose]())

async function sessions(): Promise<number[]> {
  const rows = await api.database.pool<{ pid: number }[]>`
    select pid from pg_stat_activity where datname = current_database() and application_name like 'pulsecal-api%'`
  return rows.map(({ pid }) => pid)
}

test("a Postgres that hangs costs each call no more than its deadline: 503 and when to try again; a booking is made once all the same", async () => {
  const { patient, doctorId, slots } = clinic
  const book = () => patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start }, { "idempotency-key": "hung" })
  const calls: (() => Promise<Answer>)[] = [() => patient.get("/appointments"), () => patient.get(NEAR), book]
  await Promise.all(Array.from({ length: 16 }, (_, n) => patient.get(n % 2 ? NEAR : "/appointments")))
  const stopped = await sessions()
  for (const pid of stopped) process.kill(pid, "SIGSTOP")
  try {
    const started = performance.now()
    const answers = await Promise.all(calls.map((call) => call()))
    expect(performance.now() - started).toBeLessThan(ANSWERED_MAX_MS)
    for (const { status, headers, body } of answers) {
      expect([status, headers.get("content-type")]).toEqual([503, "application/problem+json"])
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0)
      expect(body).toMatchObject({ title: "Service Unavailable", status: 503 })
    }
  } finally {
    for (const pid of stopped) process.kill(pid, "SIGCONT")
  }
  const booked = await until("the booking is found out", async () => {
    const answer = await book()
    return answer.status === 201 && answer.body.id
  })
  const { body } = await patient.get("/appointments")
  expect(body.data.map(({ id }: { id: string }) => id)).toEqual([booked])
  expect((await patient.get(NEAR)).status).toBe(200)
}, 60_000)
