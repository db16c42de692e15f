import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import fc from "fast-check"
import type { Pool } from "../db.ts"
import { readAnchors } from "./anchors.ts"
import type { Anchor } from "./chain.ts"
import { findingsAfter, rechain, sealedTrail, type Trail } from "./test-trail.ts"

const ROWS = 20

let trail: Trail
beforeAll(async () => {
  trail = await sealedTrail(ROWS)
})
afterAll(() => trail[Symbol.asyncDispose]())

const after = (tamper: (tx: Pool) => Promise<unknown>, anchors: Anchor[] = []) => findingsAfter(trail, tamper, anchors)

const altered = (position: number) =>
  `position ${position}: altered, or what stood before it was (it does not follow from position ${position - 1})`

test("a log that nobody touched is found as it was sealed, by the role that the processes run as", async () => {
  expect(await trail.verify()).toMatchObject({ floor: 0, position: ROWS, rows: ROWS, findings: [] })
})

describe("is named by its position:", () => {
  test("an altered entry, time, patient or hash", async () => {
    expect(await after((tx) => tx`update audit_log set entry = replace(entry, 'DONE', 'FORBIDDEN') where position = 7`)).toEqual([
      altered(7),
    ])
    expect(await after((tx) => tx`update audit_log set sealed_at = sealed_at + interval '1 microsecond' where position = 7`)).toEqual([
      altered(7),
    ])
    expect(
      await after((tx) => tx`update audit_log set resources = array[gen_random_uuid()] where position = 7 and cardinality(resources) = 1`),
    ).toEqual([altered(7)])
    expect(await after((tx) => tx`update audit_log set hash = sha256(hash) where position = 7`)).toEqual([altered(7), altered(8)])
    for (const change of [
      "sealed_at = 'infinity'",
      "patients = array_prepend(null, patients)",
      "patients = ('[0:0]=' || patients::text)::uuid[]",
      "patients = array[patients]",
      "resources = ('[0:0]=' || resources::text)::uuid[]",
      "resources = array[resources]",
    ])
      expect([change, (await after((tx) => tx.unsafe(`update audit_log set ${change} where position = 7`)))[0]]).toEqual([
        change,
        altered(7),
      ])
    expect(await after((tx) => tx`update audit_log set entry = '{}' where position = 1`)).toEqual([altered(1)])
    expect(await after((tx) => tx`update audit_log set entry = '{}' where position = ${ROWS}`)).toEqual([altered(ROWS)])
  })

  test("a removed row, the first and the last included", async () => {
    const gone = (position: number) => after((tx) => tx`delete from audit_log where position = ${position}`)
    const stray = (position: number) => `position ${position}: stands in the list of a patient whom the log does not name there`
    for (const position of [1, 9, ROWS]) expect(await gone(position)).toEqual([`position ${position}: removed`, stray(position)])
    expect(
      await after(async (tx) => {
        await tx`delete from audit_subjects where position between 5 and 8`
        await tx`delete from audit_log where position between 5 and 8`
      }),
    ).toEqual(["positions 5 to 8: removed"])
  })

  test("rows whose order was changed", async () => {
    const found = await after(async (tx) => {
      await tx`update audit_subjects set position = case position when 5 then 1005 else 1006 end where position in (5, 6)`
      await tx`update audit_log set position = case position when 5 then 1006 else 1005 end where position in (5, 6)`
      await tx`update audit_log set position = position - 1000 where position > 1000`
      await tx`update audit_subjects set position = case position when 1005 then 6 else 5 end where position > 1000`
    })
    expect(found.slice(0, 2)).toEqual([altered(5), altered(6)])
  })

  test("a row that was put in between, with all after it moved on", async () => {
    const found = await after(async (tx) => {
      await tx`delete from audit_subjects`
      await tx`update audit_log set position = position + 1000 where position > 10`
      await tx`update audit_log set position = position - 999 where position > 1000`
      await tx`insert into audit_log select 11, sealed_at, entry, patients, resources, hash from audit_log where position = 10`
    })
    expect(found).toContain(altered(11))
  })

  test("a row that is no longer in, or was put into, a patient's own list", async () => {
    expect(await after((tx) => tx`delete from audit_subjects where position = 4`)).toEqual([
      "position 4: is missing in the list of a patient it is about",
    ])
    expect(await after((tx) => tx`insert into audit_subjects values (gen_random_uuid(), 4)`)).toEqual([
      "position 4: stands in the list of a patient whom the log does not name there",
    ])
  })
})

test("whatever single column of whatever single row is altered, it is found", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: ROWS }),
      fc.constantFrom(
        "entry = entry || ' '",
        "sealed_at = sealed_at - interval '1 hour'",
        "patients = patients || patients || gen_random_uuid()",
        "resources = array_prepend(null, resources)",
        "hash = hash || '\\x00'",
        "position = position + 100",
      ),
      async (position, change) => {
        const found = await after((tx) => tx.unsafe(`update audit_log set ${change} where position = ${position}`))
        expect(found.join("\n")).toMatch(new RegExp(`positions? (${position}|${position + 1})\\b`))
      },
    ),
    { numRuns: 15 },
  )
}, 60_000)

describe("whoever owns the database and seals everything anew", () => {
  test("is given away by the checkpoints, as long as they are left", async () => {
    await after(async (tx) => {
      const [checkpoint] = await tx<{ position: number }[]>`select max(position) as position from audit_checkpoints`
      await tx`update audit_log set entry = replace(entry, 'DONE', 'FORBIDDEN') where position = 2`
      await rechain(tx, 2)
      expect((await trail.findings())[0]).toContain(`position ${checkpoint?.position}: is not what the checkpoint says`)
    })
  })

  test("is given away by an anchor kept elsewhere, even after the checkpoints are gone: a rewritten log, and one whose end was cut off", async () => {
    const { hash } = await trail.verify()
    const anchors = readAnchors(`some text\n{"level":"info","auditPosition":${ROWS},"auditHash":"${hash}","msg":"audit checkpoint"}\n`)
    expect(anchors).toEqual([{ position: ROWS, hash }])
    expect(await trail.verify(anchors)).toMatchObject({ anchors: 1, findings: [] })
    const rewritten = async (tx: Pool) => {
      await tx`delete from audit_checkpoints`
      await tx`update audit_log set entry = replace(entry, 'DONE', 'FORBIDDEN') where position = 5`
      await rechain(tx, 5)
    }
    const cut = async (tx: Pool) => {
      await tx`delete from audit_checkpoints`
      await tx`delete from audit_subjects where position > 15`
      await tx`delete from audit_log where position > 15`
      await rechain(tx, 15)
    }
    expect(await after(rewritten)).toEqual([])
    expect(await after(rewritten, anchors)).toEqual([`position ${ROWS}: is not what the anchor says: the log was rewritten`])
    expect(await after(cut)).toEqual([])
    expect(await after(cut, anchors)).toEqual([`positions 16 to ${ROWS}: removed: the anchor at ${ROWS} shows that they were sealed`])
  })

  test("cannot pass off what is young as dropped for its age", async () => {
    const found = await after(async (tx) => {
      await tx`delete from audit_subjects where position <= 5`
      await tx`
        update audit_head set floor = 5, floor_hash = (select hash from audit_log where position = 5),
          floor_at = (select sealed_at from audit_log where position = 5)`
      await tx`delete from audit_log where position <= 5`
    })
    expect(found[0]).toStartWith("positions 1 to 5: removed: rows are kept for 2192 days")
  })

  test("nor under a time of its own making: an anchor kept elsewhere has the time too", async () => {
    const { hash } = await trail.verify()
    const old = { position: 3, hash, at: new Date(Date.now() - 2_300 * 86_400_000) }
    const young = { position: 4, hash, at: new Date() }
    const forged = async (tx: Pool) => {
      await tx`delete from audit_checkpoints where position <= 5`
      await tx`delete from audit_subjects where position <= 5`
      await tx`
        update audit_head set floor = 5, floor_hash = (select hash from audit_log where position = 5), floor_at = now() - interval '7 years'`
      await tx`delete from audit_log where position <= 5`
    }
    expect(await after(forged, [old])).toEqual([])
    expect(await after(forged, [old, young])).toEqual([
      `position 4: removed: rows are kept for 2192 days, and the anchor says it was sealed ${young.at.toISOString()}`,
    ])
    const line = `{"level":"info","time":"${young.at.toISOString()}","auditPosition":4,"auditHash":"${hash}","msg":"audit checkpoint"}`
    expect(readAnchors(line)).toEqual([young])
  })
})
