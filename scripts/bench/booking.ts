/**
 * `bun run bench:booking`: bookings over HTTP against bare single-row inserts over HTTP, in one run, in turns; and the
 * server time of one day's availability for a doctor with 10,000 appointments.
 */

import type { App } from "../../api/app.ts"
import { startApi } from "../../api/server.ts"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import type { Pool } from "../../core/db.ts"
import { openLog } from "../../core/log.ts"
import { bookings, type Call, onboard, take } from "./bookings.ts"
import { median, percentile, say, spread, startBench } from "./environment.ts"
import { startProcess, stopProcess } from "./processes.ts"

const ROUNDS = 9
/** Not counted. Until some ten thousand calls are compiled and every session has its plans, a booking costs the process twice what it does then. */
const WARM_UP_ROUNDS = 5
const REQUESTS_PER_ROUND = 2_000
const CONCURRENCY = 128
const BUSY_APPOINTMENTS = 10_000
const AVAILABILITY_CALLS = 1_000

/** Requests per second for the calls, `CONCURRENCY` at a time. Every answer must be 201. */
async function rate(calls: Call[]): Promise<number> {
  const queue = calls.values()
  const started = performance.now()
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (const { url, init } of queue) {
        const response = await fetch(url, init)
        await response.arrayBuffer()
        if (response.status !== 201) throw new Error(`answered ${response.status}`)
      }
    }),
  )
  return (calls.length / (performance.now() - started)) * 1000
}

async function benchBooking(apiUrl: string, bareUrl: string): Promise<void> {
  const { doctors, tokens } = await onboard(apiUrl)
  const booked = bookings(`${apiUrl}/api/v1/appointments`, doctors, tokens)
  const inserted = bookings(bareUrl, doctors, tokens)
  const rates: { booking: number; bare: number }[] = []
  for (let round = 1 - WARM_UP_ROUNDS; round <= ROUNDS; round++) {
    // The order changes from round to round.
    const first = round % 2 === 0 ? "booking" : "bare"
    const result = { booking: 0, bare: 0 }
    for (const side of [first, first === "booking" ? "bare" : "booking"] as const)
      result[side] = await rate(take(side === "booking" ? booked : inserted, REQUESTS_PER_ROUND))
    if (round > 0) rates.push(result)
    say(`round ${round}: booking ${result.booking.toFixed(0)}/s, bare insert ${result.bare.toFixed(0)}/s`)
  }
  const whole = (value: number) => value.toFixed(0)
  console.log("| over HTTP, 128 callers, durable commits | median (min–max) |\n|---|---|")
  console.log(
    `| bookings a second | ${spread(
      rates.map((r) => r.booking),
      whole,
    )} |`,
  )
  console.log(
    `| bare single-row inserts a second | ${spread(
      rates.map((r) => r.bare),
      whole,
    )} |`,
  )
  console.log(
    `| booking ÷ bare insert | ${spread(
      rates.map((r) => r.booking / r.bare),
      (v) => v.toFixed(2),
    )} |`,
  )
}

/** The server's whole time for a request: routing, token, validation, statement, slots and JSON, without the network. */
async function benchAvailability(pool: Pool, app: App): Promise<void> {
  const [doctor] = await pool`select id from doctors order by id limit 1`
  const [patient] = await pool`select id from patients order by id limit 1`
  await pool`
    insert into appointments (id, doctor_id, patient_id, during)
    select gen_random_uuid(), ${doctor?.id}, ${patient?.id}, tstzrange(at, at + interval '30 minutes')
    from generate_series(date_trunc('day', now()) + interval '400 days', date_trunc('day', now()) + interval '10 years', interval '1 hour') at
    limit ${BUSY_APPOINTMENTS}`
  await pool`vacuum analyze appointments`
  const headers = {
    authorization: `Bearer ${mintDevelopmentToken({ projectId: "demo-pulsecal", uid: "patient-0", expiresInSeconds: 3600 })}`,
  }
  const times: number[] = []
  for (let i = 0; i < AVAILABILITY_CALLS; i++) {
    const date = new Date(Date.now() + (401 + (i % 300)) * 86_400_000).toISOString().slice(0, 10)
    const request = new Request(`http://localhost/api/v1/doctors/${doctor?.id}/availability?date=${date}`, { headers })
    const started = performance.now()
    const response = await app.fetch(request)
    const { slots } = (await response.json()) as { slots: unknown[] }
    times.push(performance.now() - started)
    if (slots.length < 23 || slots.length > 25) throw new Error(`${slots.length} slots are free, not one an hour`)
  }
  console.log(
    `| availability of a day, ${BUSY_APPOINTMENTS.toLocaleString("en")} appointments, server ms: median / p99 | ${median(times).toFixed(2)} / ${percentile(times, 99).toFixed(2)} |`,
  )
}

async function startBareInsert(environment: Record<string, string>) {
  const ready = Promise.withResolvers<string>()
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/bare-insert.ts`], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (url: string) => ready.resolve(url),
  })
  return { url: await ready.promise, stop: () => stopProcess(child) }
}

await using bench = await startBench()
await bench.pool`create table bare_rows (id uuid primary key, doctor_id uuid not null, scheduled_at timestamptz not null, reason text)`
await bench.pool`grant select, insert on bare_rows to pulsecal_app`
await using servers = new AsyncDisposableStack()
const api = await startProcess("api", bench.environment)
servers.defer(api.stop)
const bare = await startBareInsert(bench.environment)
servers.defer(bare.stop)
await benchBooking(api.url, bare.url)
const own = startApi(bench.config, openLog("bench", "silent"))
await benchAvailability(bench.pool, own.app)
await own.stop()
