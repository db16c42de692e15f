/** One run: a cluster, people, their calls, searches and sockets, and what goes wrong; then rest, and judgement. */
import { join } from "node:path"
import { until } from "../../tests/harness/services.ts"
import { Calls } from "./calls.ts"
import { chanceOf } from "./chance.ts"
import { type Broken, check } from "./check.ts"
import { type Cluster, startCluster } from "./cluster.ts"
import { isSettled, openReader, readTables } from "./collect.ts"
import { entitled, Parties } from "./entitled.ts"
import type { Calm, Evidence } from "./evidence.ts"
import { Faults } from "./faults.ts"
import { type Listener, listen } from "./listeners.ts"
import { Load } from "./load.ts"
import { type Member, signUp, type World } from "./people.ts"
import { readAll } from "./readings.ts"
import { Roaming } from "./roaming.ts"
import { ScheduleWatch } from "./schedules.ts"
import { Searches } from "./searches.ts"

/** What is under way finishes, sockets come back, workers catch up; whoever has not by then never will. */
const SETTLE_MS = 60_000
/** How long the log must stand still to be called at rest. */
const REST_MS = 1_500
/** A stretch before anything goes wrong, and one after, in which searches are held to what the contract says of a system that is well. */
const CALM_MS = 4_000
/** From the last fault until all is well again: followers look at the table every second, publishers too. */
const RECOVERY_MS = 5_000

export type RunOptions = {
  seed: number
  durationMs: number
  maxFaults?: number
  /** How long answers and rest are waited for: a build that is broken on purpose has neither. */
  settleMs?: number
  root?: string
  settings?: Record<string, string>
  say: (line: string) => void
}

export type Outcome = { evidence: Evidence; violations: Broken[] }

export async function runChaos({ seed, durationMs, maxFaults, settleMs = SETTLE_MS, root, settings, say }: RunOptions): Promise<Outcome> {
  await using cluster = await startCluster({ root, settings, say })
  await cluster.processes.ready()
  const calls = new Calls(cluster.url, settleMs)
  const world = await signUp(calls)
  const listeners = gather(cluster.url, world)
  await until("every client has been caught up once", () => listeners.every((l) => l.ready() || l.diary.person.role === "NOBODY"), 30_000)
  say(`${listeners.length} clients listen; the load begins`)
  const faults = new Faults(cluster)
  const searches = new Searches(cluster, world.patients[0] as Member, chanceOf(seed, "searches"))
  using schedules = new ScheduleWatch(cluster)
  const watching = schedules.run()
  const calm = await underLoad({ calls, world, searches, seed, durationMs }, async (deadline) => {
    await faults.run(chanceOf(seed, "faults"), deadline, maxFaults)
    await cluster.processes.ready()
  })
  say(`${faults.done.length} faults; settling`)
  const evidence = await settled(cluster, listeners, settleMs, {
    calls: calls.made,
    faults: faults.done,
    crashes: cluster.processes.crashes,
    lives: cluster.processes.lives,
    searches: searches.made,
    calm,
  })
  const worlds = await searches.findAll()
  const readings = await readAll(cluster, world, evidence.appointments)
  for (const listener of listeners) listener.close()
  const verified = await verifyAudit(cluster.databaseUrl)
  const stood = await schedules.result()
  await watching
  const whole = { ...evidence, worlds, readings, schedules: stood, audit: { ...evidence.audit, verified } }
  return { evidence: whole, violations: check(whole) }
}

type Under = { calls: Calls; world: World; searches: Searches; seed: number; durationMs: number }

/** All that people do goes on before, while and after things go wrong. Answers with when nothing was. */
async function underLoad({ calls, world, searches, seed, durationMs }: Under, wrong: (deadline: number) => Promise<void>): Promise<Calm[]> {
  const [begun, deadline] = [Date.now(), Date.now() + durationMs]
  const load = new Load(calls, world, chanceOf(seed, "load"))
  const working = [load.run(), new Roaming(calls, world.roamers, chanceOf(seed, "roaming")).run(), searches.run()]
  const calm: Calm[] = []
  try {
    const dismissal = Bun.sleep(durationMs / 2).then(() => load.dismiss())
    await Bun.sleep(CALM_MS)
    calm.push({ from: begun, to: Date.now() })
    await Promise.all([wrong(deadline), Bun.sleep(deadline - Date.now()), dismissal])
    await Bun.sleep(RECOVERY_MS)
    const from = Date.now()
    await Bun.sleep(CALM_MS)
    calm.push({ from, to: Date.now() })
  } finally {
    calls.stop()
    searches.stop()
  }
  await Promise.all(working)
  return calm
}

/** As whoever runs the system would. Nothing, or what was found. */
async function verifyAudit(databaseUrl: string): Promise<string> {
  const command = [process.execPath, join(import.meta.dir, "..", "audit.ts"), "verify"]
  const child = Bun.spawn(command, { env: { ...process.env, NODE_ENV: "test", DATABASE_URL: databaseUrl }, stderr: "pipe" })
  const said = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return (await child.exited) === 0 ? "" : said.join("").trim()
}

/** Each by websocket and by polling, patients also from one to the other; a stranger by one of them. */
function gather(url: string, { clinics, patients, strangers }: World): Listener[] {
  const members = [...clinics.flatMap((c) => [...c.doctors, c.desk, c.dismissed]), ...patients]
  let n = 0
  return [
    ...members.flatMap((m) => (["websocket", "polling"] as const).map((transport) => listen(url, n++, m, m.token, transport))),
    ...patients.map((p) => listen(url, n++, p, p.token, "upgrading")),
    ...strangers.map((s) => listen(url, n++, s, s.token, "websocket")),
  ]
}

/** Waits for rest, then for every client to have heard what it may; what is still missing at the deadline is for the checker to tell. */
async function settled(
  cluster: Cluster,
  listeners: Listener[],
  settleMs: number,
  said: Pick<Evidence, "calls" | "faults" | "crashes" | "lives" | "searches" | "calm">,
): Promise<Omit<Evidence, "worlds" | "readings" | "schedules">> {
  const sql = openReader(cluster.databaseUrl)
  const deadline = Date.now() + settleMs
  try {
    await cluster.processes.ready()
    let rested: { head: number | undefined; since: number } = { head: undefined, since: 0 }
    while (Date.now() < deadline && (rested.head === undefined || Date.now() - rested.since < REST_MS)) {
      const head = await isSettled(sql)
      if (head === undefined || head !== rested.head) rested = { head, since: Date.now() }
      await Bun.sleep(100)
    }
    const tables = await readTables(sql, cluster.redis.config)
    const wanted = wantedBy(listeners, tables)
    while (Date.now() < deadline && listeners.some((l) => hasMissed(l, wanted.get(l) ?? []))) await Bun.sleep(100)
    // A moment more: for what nobody should hear, or nobody twice on one connection.
    await Bun.sleep(REST_MS)
    const audit = { ...tables.audit, verified: "" }
    return { ...said, ...tables, audit, diaries: listeners.map((l) => trimmed(l.diary, tables.work.head)) }
  } finally {
    await sql.end({ timeout: 1 })
  }
}

function wantedBy(
  listeners: Listener[],
  tables: Pick<Evidence, "dismissed" | "log" | "appointments" | "payments">,
): Map<Listener, string[]> {
  const parties = new Parties(tables)
  return new Map(
    listeners.map((l) => {
      const { person } = l.diary
      return [l, parties.isDismissed(person) ? [] : tables.log.filter((row) => entitled(person, row, parties)).map((row) => row.id)]
    }),
  )
}

function hasMissed({ diary }: Listener, wanted: string[]): boolean {
  const heard = new Set(diary.heard.map((h) => h.id))
  return wanted.some((id) => !heard.has(id))
}

/** What was announced after the tables were read is not judged. */
function trimmed(diary: Listener["diary"], head: number): Listener["diary"] {
  return { ...diary, heard: diary.heard.filter((h) => h.offset <= head) }
}
