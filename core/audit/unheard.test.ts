import { expect, test } from "bun:test"
import { until } from "../../tests/harness/services.ts"
import { type Log, openLog } from "../log.ts"
import type { Act, Actor, Outcome } from "./entry.ts"
import { Recorder } from "./recorder.ts"
import { type Trail, testTrail } from "./test-trail.ts"
import { UNHEARD_A_CALLER, UNHEARD_A_PROCESS, Unheard } from "./unheard.ts"

/** Long enough for a burst of calls to be in one, on a slow machine too. */
const HOUR_SECONDS = 3_600

type Written = { uid: string | null; address: string | null; action: string; outcome: Outcome; ids: string[]; unwritten?: number }

function stage(trail: Trail, windowSeconds = HOUR_SECONDS) {
  const said: unknown[] = []
  const log = { ...openLog("test", "silent"), warn: (...line: unknown[]) => void said.push(line.at(-1)) } as unknown as Log
  return { said, unheard: new Unheard(new Recorder(trail.run), log, windowSeconds) }
}

const from = (address: string): Actor => ({ uid: null, role: null, address })
const act = (outcome: Outcome = "UNAUTHORIZED"): Act => ({ action: "READ", resource: "payment", ids: [Bun.randomUUIDv7()], outcome })

/** What is written down, sealed: what each call left, and what was only counted. */
async function written(trail: Trail): Promise<{ calls: Written[]; counts: Written[] }> {
  await trail.seal()
  const rows = await trail.run<{ entry: string }[]>`select entry from audit_log where entry::json->>'outcome' <> 'DONE' order by position`
  const entries = rows.map(({ entry }) => JSON.parse(entry) as Written)
  return { calls: entries.filter((e) => e.unwritten === undefined), counts: entries.filter((e) => e.unwritten !== undefined) }
}

const sumOf = (counts: Written[]) => counts.reduce((sum, { unwritten = 0 }) => sum + unwritten, 0)

test("from however many addresses, no more than a process's bound are written down; the others are counted by what they were, and it is warned of once", async () => {
  await using trail = await testTrail()
  const { said, unheard } = stage(trail)
  const limited = Array.from({ length: 30 }, () => unheard.record({ uid: "busy", role: null, address: null }, act("LIMITED")))
  await Promise.all([...limited, ...Array.from({ length: 500 }, (_, n) => unheard.record(from(`2001:db8::${n}`), act()))])
  await unheard.close()
  const { calls, counts } = await written(trail)
  expect(calls).toHaveLength(UNHEARD_A_PROCESS)
  expect(counts).toMatchObject([
    { uid: null, address: null, action: "READ", ids: [], outcome: "LIMITED", unwritten: 30 - UNHEARD_A_CALLER },
    { uid: null, address: null, action: "READ", ids: [], outcome: "UNAUTHORIZED", unwritten: 500 - UNHEARD_A_PROCESS + UNHEARD_A_CALLER },
  ])
  expect(said).toEqual([expect.stringContaining("the others are counted")])
  expect(await trail.findings()).toEqual([])
})

test("counts are written down by themselves when the window ends, and none is told twice", async () => {
  await using trail = await testTrail()
  const { unheard } = stage(trail, 0.5)
  await Promise.all(Array.from({ length: 200 }, () => unheard.record(from("198.51.100.7"), act())))
  const all = async () => {
    const { calls, counts } = await written(trail)
    return calls.length + sumOf(counts)
  }
  await until("all are told of", async () => (await all()) >= 200, 10_000)
  await unheard.close()
  expect(await all()).toBe(200)
})

test("what cannot be written down is counted on until it can be, and a process that stops before warns", async () => {
  await using trail = await testTrail()
  const [lasting, stopping] = [stage(trail, 0.5), stage(trail)]
  await trail.database.pool`revoke insert on audit_inbox from pulsecal_app`
  const flood = async ({ unheard }: typeof lasting) => {
    const calls = await Promise.allSettled(Array.from({ length: 200 }, () => unheard.record(from("198.51.100.7"), act())))
    return calls.filter(({ status }) => status === "fulfilled").length
  }
  const [counted] = [await flood(lasting), await flood(stopping)]
  expect(counted).toBe(200 - UNHEARD_A_CALLER)
  await stopping.unheard.close()
  expect(stopping.said.at(-1)).toBe("how many calls were turned away unheard could not be written into the audit")
  await until("the other has tried as well", () => lasting.said.length > 0, 10_000)
  await trail.database.pool`grant insert on audit_inbox to pulsecal_app`
  await until("it is told of", async () => (await written(trail)).counts.length > 0, 10_000)
  await lasting.unheard.close()
  expect(sumOf((await written(trail)).counts)).toBe(counted)
})
