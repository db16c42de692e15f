/** A database with patients and what was done to them, sealed; and the ways in which somebody who owns it could cheat. */
import { expect } from "bun:test"
import { type TestDatabase, testDatabase } from "../../tests/harness/services.ts"
import { openPool, type Pool } from "../db.ts"
import { openLog } from "../log.ts"
import { createPatient } from "../patients/profile.ts"
import { type Anchor, hashOf } from "./chain.ts"
import { type Actor, entriesOf } from "./entry.ts"
import { insertEntries, listSealed } from "./queries.ts"
import { sealAudit } from "./seal.ts"
import { type Verification, verifyAudit } from "./verify.ts"

export const RETENTION_DAYS = 2_192
const silent = openLog("test", "silent")

/** Written when the trail's patients are made. */
const PATIENTS_ROWS = 3

export type Trail = AsyncDisposable & {
  database: TestDatabase
  /** As the role that the processes run as. */
  run: Pool
  patients: string[]
  /** So many reads, of the patients in turn. */
  read: (count: number, by?: Actor) => Promise<void>
  seal: () => Promise<number>
  verify: (anchors?: Anchor[]) => Promise<Verification>
  findings: (anchors?: Anchor[]) => Promise<string[]>
}

export const DOCTOR: Actor = { uid: "doctor-1", role: "DOCTOR", address: "203.0.113.7" }

/** Three patients, whose making is in the log already. */
export async function testTrail({ partitionRows = 1_000_000 } = {}): Promise<Trail> {
  const database = await testDatabase({ max: 4 })
  await database.pool`update audit_head set partition_rows = ${partitionRows}`
  const run = openPool(database.url, { max: 4, name: "test" })
  const make = (name: string) => run.begin((tx) => createPatient(tx, `uid-${name}`, { name }))
  const patients = [(await make("Ann")).id, (await make("Ben")).id, (await make("Cleo")).id]
  const seal = () => sealAudit(run, silent)
  const verify = (anchors?: Anchor[]) => verifyAudit(run, { anchors, retentionDays: RETENTION_DAYS, now: Date.now() })
  await seal()
  return {
    database,
    run,
    patients,
    seal,
    verify,
    findings: async (anchors) => (await verify(anchors)).findings,
    read: async (count, by = DOCTOR) => {
      const one = (n: number) =>
        entriesOf(by, { action: "READ", resource: "patient", ids: [patients[n % patients.length] as string], outcome: "DONE" })
      await insertEntries(run, Array.from({ length: count }, (_, n) => one(n)).flat())
    },
    async [Symbol.asyncDispose]() {
      await run.end({ timeout: 1 })
      await database[Symbol.asyncDispose]()
    },
  }
}

/** What is found after the owner has done this, which is undone afterwards. */
export async function findingsAfter(trail: Trail, tamper: (owner: Pool) => Promise<unknown>, anchors: Anchor[] = []): Promise<string[]> {
  const owner = trail.database.pool
  const keep = async (from: string, to: string) => {
    for (const table of ["audit_log", "audit_head", "audit_subjects", "audit_checkpoints"]) {
      await owner.unsafe(`create table if not exists ${to}${table} (like ${from}${table})`)
      await owner.unsafe(`truncate ${to}${table}; insert into ${to}${table} select * from ${from}${table}`)
    }
  }
  await keep("", "kept_")
  try {
    await tamper(owner)
    return await trail.findings(anchors)
  } finally {
    await keep("kept_", "")
    expect(await trail.findings()).toEqual([])
  }
}

const ROWS_MAX = 10_000

/** As somebody does who knows how the chain is made: everything from here on is sealed anew, after `follows` or the row before it. */
export async function rechain(owner: Pool, from: number, follows?: Buffer): Promise<void> {
  const rows = await listSealed(owner, 0, ROWS_MAX)
  const first = from === 1 ? Buffer.alloc(32) : rows.find((r) => r.position === from - 1)?.hash
  let before = (follows ?? first) as Buffer
  const anew = rows
    .filter((r) => r.position >= from)
    .map((row) => {
      before = hashOf(before, row)
      return { position: row.position, hash: before.toString("hex") }
    })
  await owner`
    update audit_log l set hash = decode(n.hash, 'hex')
    from json_to_recordset(${JSON.stringify(anew)}::text::json) as n (position int8, hash text) where n.position = l.position`
  await owner`update audit_head set hash = ${before}, position = (select max(position) from audit_log)`
}

/** As if so many of the first rows had been sealed seven years ago. */
export async function growOld(owner: Pool, rows: number): Promise<void> {
  await owner`delete from audit_checkpoints`
  await owner`update audit_log set sealed_at = sealed_at - interval '7 years' where position <= ${rows}`
  await rechain(owner, 1)
}

/** A sealed trail of so many rows, the last of them readings. */
export async function sealedTrail(rows: number): Promise<Trail> {
  const trail = await testTrail()
  await trail.read(rows - PATIENTS_ROWS)
  await trail.seal()
  return trail
}
