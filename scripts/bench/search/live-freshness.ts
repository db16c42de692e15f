/** How soon changes are seen by the searches of two API processes, while doctors change their profiles at a steady rate. */
import { join } from "node:path"
import { mintDevelopmentToken } from "../../../core/auth/development.ts"
import type { Pool } from "../../../core/db.ts"
import { freePort, until } from "../../../tests/harness/services.ts"
import { seedDemo } from "../../demo/seed.ts"
import { type Bench, say } from "../environment.ts"
import { Probe, type ProbeKind } from "./live-probe.ts"
import type { LoopDelays } from "./loop-watch.ts"

const PROJECT = "demo-pulsecal"
/** Doctors who sign in: those who change, and one to look at. */
const CHANGING = 1_000
const START_TIMEOUT_MS = 60_000
/** What has not been seen by then is taken for lost. */
const VISIBLE_TIMEOUT_MS = 30_000
/** Changes that wait for an answer at most; more would only wait in a queue of our own. */
const IN_FLIGHT_MAX = 100
const LOOP_WATCH = join(import.meta.dir, "loop-watch.ts")

type Process = { url: string; child: Bun.Subprocess; delays: () => Promise<LoopDelays> }
export type Freshness = {
  /** From the sending of a change until the searches of either process show it, ms: its way to the database is part of it. */
  visibleMs: [number[], number[]]
  /** The same of both processes, by kind of change. */
  byKind: Record<ProbeKind, number[]>
  changesPerSecond: number
  /** Of either process's event loop meanwhile. */
  delays: LoopDelays[]
}

export async function measureFreshness(bench: Bench, doctors: number, perSecond: number, probes: number): Promise<Freshness> {
  await seedDemo(bench.pool, { doctors, say })
  const tokens = await signIn(bench.pool)
  const processes = [await startProcess(bench), await startProcess(bench)] as const
  try {
    const probe = await probeOf(bench.pool)
    const stop = new AbortController()
    const changing = change(processes, tokens.slice(1), perSecond, stop.signal)
    const looking = lookOn(processes, probe, tokens[0] as string, probes).finally(() => stop.abort())
    const [seen, changesPerSecond] = await Promise.all([looking, changing])
    return { ...seen, changesPerSecond }
  } finally {
    for (const { child } of processes) child.kill("SIGTERM")
    await Promise.all(processes.map(({ child }) => child.exited))
  }
}

async function signIn(pool: Pool): Promise<string[]> {
  const uid = (n: number) => `bench-${n}`
  await pool`insert into accounts (uid, role) select 'bench-' || n, 'DOCTOR' from generate_series(0, ${CHANGING}::int) n`
  await pool`
    update doctors d set uid = 'bench-' || chosen.n
    from (select id, row_number() over () - 1 as n from doctors where uid is null limit ${CHANGING + 1}) chosen where chosen.id = d.id`
  await pool`vacuum analyze doctors`
  return Array.from({ length: CHANGING + 1 }, (_, n) => mintDevelopmentToken({ projectId: PROJECT, uid: uid(n), expiresInSeconds: 3600 }))
}

async function probeOf(pool: Pool): Promise<Probe> {
  const [row] = await pool<{ id: string; latitude: number; longitude: number }[]>`
    select id, clinic_latitude as latitude, clinic_longitude as longitude from doctors where uid = 'bench-0'`
  if (!row) throw new Error("there is no doctor to look at")
  return new Probe(row.id, row)
}

async function startProcess(bench: Bench): Promise<Process> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  let told = Promise.withResolvers<LoopDelays>()
  const child = Bun.spawn([process.execPath, "--preload", LOOP_WATCH, "api/main.ts"], {
    env: { ...process.env, ...bench.environment, HOST: "127.0.0.1", PORT: String(port), METRICS_PORT: String(metricsPort) },
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (delays: LoopDelays) => told.resolve(delays),
  })
  const delays = () => {
    told = Promise.withResolvers()
    child.send("delays")
    return told.promise
  }
  const url = `http://127.0.0.1:${port}`
  const isReady = async () => {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined)
    return answer?.ok && ((await answer.json()) as { checks: { searchIndex: string } }).checks.searchIndex === "ready"
  }
  await until("an API has its index", isReady, START_TIMEOUT_MS)
  return { url, child, delays }
}

/** Changes of fees and names at the rate, by either process in turn, until told to stop. Returns the rate that was had. */
async function change(processes: readonly Process[], tokens: string[], perSecond: number, signal: AbortSignal): Promise<number> {
  const started = performance.now()
  const inFlight = new Set<Promise<unknown>>()
  let done = 0
  for (let n = 0; !signal.aborted; n++) {
    const wait = started + (n * 1000) / perSecond - performance.now()
    if (wait > 0) await Bun.sleep(wait)
    if (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight)
    const body = n % 2 ? { consultationFee: 50 + (n % 200) } : { name: `Dr. Number ${n}` }
    const sent = patch((processes[n % 2] as Process).url, tokens[n % tokens.length] as string, body).then(() => {
      done++
      inFlight.delete(sent)
    })
    inFlight.add(sent)
  }
  const seconds = (performance.now() - started) / 1000
  await Promise.all(inFlight)
  return done / seconds
}

async function patch(url: string, token: string, body: object): Promise<void> {
  const answer = await fetch(`${url}/api/v1/doctors/me`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`a change was answered ${answer.status}: ${await answer.text()}`)
  await answer.arrayBuffer()
}

type Seen = Pick<Freshness, "visibleMs" | "byKind" | "delays">

/** One change after the other, by either process in turn, and when each of them shows it. */
async function lookOn(processes: readonly [Process, Process], probe: Probe, token: string, probes: number): Promise<Seen> {
  // What was delayed by the start does not count: telling it begins it anew.
  for (const process_ of processes) await process_.delays()
  const visibleMs: Seen["visibleMs"] = [[], []]
  const byKind: Seen["byKind"] = { name: [], move: [], leave: [], return: [] }
  for (let n = 0; n < probes; n++) {
    const { kind, body } = probe.next()
    const sentAt = performance.now()
    await patch((processes[n % 2] as Process).url, token, body)
    const [first, second] = await Promise.all(processes.map(({ url }) => untilSeen(url, probe, token, sentAt)))
    visibleMs[0].push(first as number)
    visibleMs[1].push(second as number)
    byKind[kind].push(first as number, second as number)
  }
  return { visibleMs, byKind, delays: await Promise.all(processes.map((process_) => process_.delays())) }
}

/** When the doctor is found where they are, and nowhere else, ms after the change was sent. */
async function untilSeen(url: string, probe: Probe, token: string, sentAt: number): Promise<number> {
  for (;;) {
    const found = await Promise.all(probe.searches().map((query) => isFound(`${url}/api/v1/doctors/search?${query}`, token, probe.id)))
    const ms = performance.now() - sentAt
    if (found.every((is, place) => is === probe.isAt(place))) return ms
    if (ms > VISIBLE_TIMEOUT_MS) throw new Error(`a search does not show the last change (${probe.kind}) ${ms.toFixed(0)} ms after it`)
    await Bun.sleep(1)
  }
}

async function isFound(url: string, token: string, id: string): Promise<boolean> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`a search was answered ${answer.status}: ${text}`)
  if (!answer.headers.get("server-timing")?.includes('"index"')) throw new Error("the index did not serve")
  return text.includes(id)
}
