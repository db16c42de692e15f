import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import type { Pool } from "../db.ts"
import type { Anchor } from "./chain.ts"
import { findingsAfter, rechain, sealedTrail, type Trail, testTrail } from "./test-trail.ts"

const ROWS = 20
const YEAR_MS = 365 * 86_400_000

let trail: Trail
beforeAll(async () => {
  trail = await sealedTrail(ROWS)
})
afterAll(() => trail[Symbol.asyncDispose]())

const after = (tamper: (tx: Pool) => Promise<unknown>, anchors: Anchor[] = []) => findingsAfter(trail, tamper, anchors)
const added = (places: string) => `${places}: added: it is no part of the chain`
const stray = (position: number) => `position ${position}: stands in the list of a patient whom the log does not name there`

/** A copy of the last row, as somebody puts it in who does not seal. */
async function forge(owner: Pool, position: number): Promise<void> {
  await owner`insert into audit_log select ${position}, sealed_at, entry, patients, resources, hash from audit_log where position = ${ROWS}`
}
const forgePlace = (owner: Pool, patient: string, position: number) => owner`insert into audit_subjects values (${patient}, ${position})`
const patientOfLast = async (owner: Pool) =>
  (await owner<{ patient: string }[]>`select patients[1] as patient from audit_log where position = ${ROWS}`)[0]?.patient as string

describe("what was put in beyond the chain is named by its position:", () => {
  test("a row after the end, whether or not it stands in a patient's list", async () => {
    expect(await after((tx) => forge(tx, ROWS + 1))).toEqual([added("position 21")])
    const listed = async (tx: Pool) => {
      await forge(tx, ROWS + 1)
      await forgePlace(tx, await patientOfLast(tx), ROWS + 1)
    }
    expect(await after(listed)).toEqual([added("position 21")])
  })

  test("a row after the end that follows from the last as a sealed one would", async () => {
    const found = await after(async (tx) => {
      await forge(tx, ROWS + 1)
      await rechain(tx, ROWS + 1)
      await tx`update audit_head set position = ${ROWS}, hash = (select hash from audit_log where position = ${ROWS})`
    })
    expect(found).toEqual([added("position 21")])
  })

  test("every one of many, however far away", async () => {
    const found = await after(async (tx) => {
      for (const position of [21, 22, 23, 25, 900_000]) await forge(tx, position)
    })
    expect(found).toEqual([added("positions 21 to 23"), added("position 25"), added("position 900000")])
  })

  test("a place in a patient's list after the end, where there is no row or one that names another", async () => {
    const other = Bun.randomUUIDv7()
    expect(await after((tx) => forgePlace(tx, other, ROWS + 1))).toEqual([stray(ROWS + 1)])
    const both = async (tx: Pool) => {
      await forge(tx, ROWS + 1)
      await forgePlace(tx, other, ROWS + 1)
    }
    expect(await after(both)).toEqual([stray(ROWS + 1), added("position 21")])
  })

  test("a row before the beginning, where all was dropped for its age", async () => {
    const found = await after(async (tx) => {
      await tx`
        update audit_head set floor = 5, floor_hash = (select hash from audit_log where position = 5), floor_at = now() - interval '7 years'`
    })
    expect(found).toEqual([added("positions 1 to 5")])
  })

  test("a checkpoint of what was never sealed", async () => {
    expect(await after((tx) => tx`insert into audit_checkpoints values (22, sha256('x'), now())`)).toEqual([
      "positions 21 to 22: removed: the checkpoint at 22 shows that they were sealed",
    ])
  })
})

test("a second row at a position is found, wherever a batch of the reading ends", async () => {
  await using own = await testTrail()
  await own.read(2_010)
  await own.seal()
  const { pool } = own.database
  await pool`alter table audit_log drop constraint audit_log_pkey`
  for (const position of [1_999, 2_000, 2_001]) {
    const [row] = await pool<{ entry: string }[]>`
      insert into audit_log select position, sealed_at, '{"second": true}', patients, resources, hash from audit_log where position = ${position}
      returning entry`
    expect([position, await own.findings()]).toEqual([
      position,
      expect.arrayContaining([`position ${position}: added: another row stands there as well`]),
    ])
    await pool`delete from audit_log where entry = ${row?.entry as string}`
    expect(await own.findings()).toEqual([])
  }
}, 30_000)

test("a place in a list that the log does not name is found once, wherever it stands in a log that is read in many parts", async () => {
  await using own = await testTrail()
  await own.read(2_010)
  await own.seal()
  const { pool } = own.database
  const far = 1_000_000
  await pool`select audit_partition(${far + 1}, partition_rows) from audit_head`
  for (const table of ["audit_log", "audit_subjects"])
    await pool.unsafe(`update ${table} set position = position + ${far} where position > 1000`)
  await rechain(pool, 1)
  const places = [500, 1_001, far, far + 1_001, far + 1_990, far + 2_000, far + 2_001, far + 2_013, far + 2_014]
  for (const position of places) await forgePlace(pool, Bun.randomUUIDv7(), position)
  expect((await own.findings()).slice(-places.length - 1)).toEqual([`positions 1001 to ${far + 1_000}: removed`, ...places.map(stray)])
}, 30_000)

describe("a log that was emptied is found", () => {
  const empty = (tx: Pool) => tx.unsafe("truncate audit_log; truncate audit_subjects; truncate audit_checkpoints")

  test("by its head", async () => {
    expect(await after(empty)).toEqual(["positions 1 to 20: removed"])
  })

  test("by patients' lists, checkpoints and anchors, if its head says that it was never begun", async () => {
    const begin = (tx: Pool) => tx.unsafe("truncate audit_head; insert into audit_head default values; truncate audit_log")
    const cut = (position: number, by: string) =>
      `positions 1 to ${position}: removed: the ${by} at ${position} shows that they were sealed`
    expect(await after((tx) => begin(tx))).toEqual([cut(3, "checkpoint"), ...Array.from({ length: ROWS }, (_, n) => stray(n + 1))])
    const all = async (tx: Pool) => {
      await begin(tx)
      await empty(tx)
    }
    expect(await after(all, [{ position: ROWS, hash: "00".repeat(32) }])).toEqual([cut(ROWS, "anchor")])
  })

  test("if its head says that all of it was dropped for its age, but not when that was sealed", async () => {
    for (const time of ["null", "'-infinity'"])
      expect(
        await after(async (tx) => {
          await tx.unsafe(`update audit_head set floor = position, floor_hash = hash, floor_at = ${time}`)
          await empty(tx)
        }),
      ).toEqual([`positions 1 to 20: removed: rows are kept for 2192 days, and when they were sealed is not said`])
  })

  test("if its head is gone, or has another beside it", async () => {
    expect(await after((tx) => tx`truncate audit_head`)).toContain("the head of the log: removed")
    const doubled = async (tx: Pool) => {
      await tx`alter table audit_head drop constraint audit_head_pkey`
      await tx`insert into audit_head select * from audit_head`
    }
    expect(await after(doubled)).toEqual(["the head of the log: added: there is more than one"])
  })
})

test("a beginning that was made anew on a forged floor does not escape an anchor at that floor", async () => {
  const forged = Buffer.alloc(32, 7)
  const anchors = [{ position: 5, hash: (await floorHash()).toString("hex"), at: new Date(Date.now() - 8 * YEAR_MS) }]
  const tamper = async (tx: Pool) => {
    await tx.unsafe("truncate audit_checkpoints")
    await tx`delete from audit_log where position <= 5`
    await tx`delete from audit_subjects where position <= 5`
    await tx`update audit_head set floor = 5, floor_hash = ${forged}, floor_at = now() - interval '7 years'`
    await rechain(tx, 6, forged)
  }
  expect(await after(tamper)).toEqual([])
  expect(await after(tamper, anchors)).toEqual(["position 5: is not what the anchor says: the log was rewritten"])
})

async function floorHash(): Promise<Buffer> {
  const [row] = await trail.database.pool<{ hash: Buffer }[]>`select hash from audit_log where position = 5`
  return row?.hash as Buffer
}
