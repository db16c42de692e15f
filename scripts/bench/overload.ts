/**
 * `bun run bench:overload`: calls of several costs at five times the rate that one api process sustains, and refusals by themselves. Of what an
 * answer costs a refusal costs r: a process can give no more than 1 / (1 + 4r) of its best then, whatever it does.
 */
import { CALLS_PER_CONNECTION } from "../../api/admission.ts"
import { doctorInput, person } from "../../tests/harness/api.ts"
import { processorSeconds } from "../../tests/harness/metrics.ts"
import { startProcess } from "../../tests/harness/one-process.ts"
import { until } from "../../tests/harness/services.ts"
import { openCallers } from "../../tests/overload-callers.ts"
import { inOneRound, type Measures, PATIENCE_MS, perSecond } from "../../tests/overload-measure.ts"
import { insertAppointments } from "../../tests/overload-world.ts"
import { say, spread, startBench } from "./environment.ts"

const TIMES = 5
/** Where no more than this can be sent, nothing is shown. */
const TIMES_MIN = 1.5
const ROUNDS = 3
const APPOINTMENTS = 100
/** More, and it is the callers' own process that is late. */
const SENT_PER_SECOND_MAX = 10_000
const REST_MS = 1_500
const UNCOUNTED_FLOODS = 2
const CALLS: [string, string][] = [
  ["100 appointments", `/api/v1/appointments?limit=${APPOINTMENTS}`],
  ["one appointment", "/api/v1/appointments?limit=1"],
  ["`GET /me`", "/api/v1/me"],
  ["a search of the index", "/api/v1/doctors/search?latitude=40.7&longitude=-74"],
]
const LOCK = 7

/** `best`: a second. `costMs`: of the processor, each. */
type Best = { best: number; costMs: number }
type Round = Best & { times: number; goodput: number; late: number; refusedP99Ms: number }

await using bench = await startBench()
await using api = await startProcess("api", bench.environment)
const patient = person(api.url, "patient")
await patient.post("/patients", { name: "Pat" })
const doctor = await person(api.url, "doctor").post("/doctors", doctorInput)
await insertAppointments(bench.pool, doctor.body.id, "patient", APPOINTMENTS)
await bench.pool`alter table payments rename to quick_payments`
await bench.pool.unsafe(
  `create view payments as select * from quick_payments where (select pg_advisory_xact_lock_shared(${LOCK})) is not null`,
)
await bench.pool`grant select on payments to pulsecal_app`
const port = Number(new URL(api.url).port)

async function bestOf(callers: Measures, status: number): Promise<Best> {
  await callers.sustainable(status)
  const before = await processorSeconds(api.metricsPort)
  const best = await callers.sustainable(status)
  const seconds = (await processorSeconds(api.metricsPort)) - before
  return { best, costMs: (seconds * 1_000) / inOneRound(best) }
}

async function measure(path: string): Promise<Round> {
  await using callers = await openCallers({ port, token: patient.token, path, patienceMs: PATIENCE_MS })
  const { best, costMs } = await bestOf(callers, 200)
  const times = Math.min(TIMES, SENT_PER_SECOND_MAX / best)
  // Its first two seconds are a burst to the process, and served however late, which takes it as long again.
  for (let n = 0; n < UNCOUNTED_FLOODS; n++) await callers.flood(times * best)
  const flooded = await callers.flood(times * best)
  await Bun.sleep(REST_MS)
  const { outcomes, inRound, refusals } = flooded
  return { best, costMs, times, goodput: perSecond(inRound[200] ?? 0) / best, late: outcomes.late ?? 0, refusedP99Ms: refusals.p99 }
}

/** While all that is let in waits in Postgres. */
async function measureRefusals(): Promise<Best> {
  const held = await bench.pool.reserve()
  await held`select pg_advisory_lock(${LOCK})`
  await using callers = await openCallers({ port, token: patient.token, path: "/api/v1/me", patienceMs: PATIENCE_MS })
  const waiting = Array.from({ length: bench.config.databasePool * CALLS_PER_CONNECTION }, () => patient.get("/payments"))
  await until("there is no room", async () => (await patient.get("/me")).status === 503)
  const refusals = await bestOf(callers, 503)
  await held`select pg_advisory_unlock(${LOCK})`
  held.release()
  await Promise.all(waiting)
  return refusals
}

function cell<T>(rounds: T[], of: (round: T) => number, decimals: number): string {
  return spread(rounds.map(of), (value) => value.toFixed(decimals))
}

const bests = (rounds: Best[]) => [cell(rounds, ({ best }) => best, 0), cell(rounds, ({ costMs }) => costMs, 3)]

function floods(rounds: Round[]): string[] {
  if (rounds.some(({ times }) => times < TIMES_MIN)) return ["more cannot be sent here", "", "", ""]
  const outcomes = [cell(rounds, ({ goodput }) => goodput, 2), cell(rounds, ({ late }) => late, 0)]
  return [cell(rounds, ({ times }) => times, 1), ...outcomes, cell(rounds, ({ refusedP99Ms }) => refusedP99Ms, 0)]
}

const line = (cells: string[]) => console.log(`| ${cells.join(" | ")} |`)

const found = new Map<string, Round[]>()
const refused: Best[] = []
for (let n = 1; n <= ROUNDS; n++) {
  for (const [what, path] of CALLS) {
    const round = await measure(path)
    found.getOrInsertComputed(what, () => []).push(round)
    say(`round ${n}, ${what}: ${JSON.stringify(round)}`)
  }
  refused.push(await measureRefusals())
  say(`round ${n}, a refusal: ${JSON.stringify(refused.at(-1))}`)
}
line([
  "at many times its best",
  "best a second",
  "processor ms each",
  "sent, × its best",
  "goodput ÷ best",
  "late",
  "refused within, p99 ms",
])
line(Array.from({ length: 7 }, () => "---"))
for (const [what, rounds] of found) line([what, ...bests(rounds), ...floods(rounds)])
line(["a refusal", ...bests(refused), "", "", "", ""])
