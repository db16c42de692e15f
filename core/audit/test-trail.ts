/** A database with patients and what was done to them, sealed; and the ways in which somebody who owns it could cheat. */
import { type TestDatabase, testDatabase } from "../../tests/harness/services.ts"
import { openPool, type Pool } from "../db.ts"
import { openLog } from "../log.ts"
import { createPatient } from "../patients/profile.ts"
import { type Actor, entriesOf } from "./entry.ts"
import { insertEntries } from "./queries.ts"
import { sealAudit } from "./seal.ts"
import { type Anchor, type Verification, verifyAudit } from "./verify.ts"

export const RETENTION_DAYS = 2_192
const silent = openLog("test", "silent")

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
