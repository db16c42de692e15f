import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { entriesOf } from "../core/audit/entry.ts"
import { insertEntries } from "../core/audit/queries.ts"
import { DOCTOR, type Trail, testTrail } from "../core/audit/test-trail.ts"
import { UNSEALED_MAX_AGE_MS } from "../core/audit/unsealed.ts"

let folder: string
let trail: Trail
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-audit-"))
  trail = await testTrail()
})
afterAll(async () => {
  await trail[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** As the role that the processes run as: whoever checks needs no more. */
async function audit(args: string[], url = trail.database.url): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env.PATH ?? "", DATABASE_URL: url }
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "audit.ts"), ...args], { env, stdout: "pipe", stderr: "pipe" })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, output: `${out}${err}`.trim() }
}

test("verify says that all is as it was sealed, with and without what head printed before; then that it is not, by its position and code 1", async () => {
  const anchors = join(folder, "anchors")
  await Bun.write(anchors, `worker | ${(await audit(["head"])).output}\n`)
  await trail.read(4)
  await trail.seal()
  const nothing = "no entry waits to be sealed"
  expect(await audit(["verify"])).toEqual({ code: 0, output: `7 entries, positions 1 to 7: as they were sealed\n${nothing}` })
  const anchored = await audit(["verify", "--anchors", anchors])
  const held = "7 entries, positions 1 to 7: as they were sealed, and as 1 of 1 anchors say"
  expect(anchored).toEqual({ code: 0, output: `${held}\n${nothing}` })
  await trail.database.pool`update audit_log set entry = replace(entry, 'READ', 'CHANGE') where position = 6`
  const { code, output } = await audit(["verify"])
  expect([code, output.split("\n")]).toEqual([
    1,
    [
      "position 6: altered, or what stood before it was (it does not follow from position 5)",
      nothing,
      "the audit log is not as it was sealed: 1 findings in 7 entries, positions 1 to 7",
    ],
  ])
}, 30_000)

test("verify tells how many entries wait and since when; that the oldest has waited for too long by code 2; and leaves all as it was", async () => {
  await using own = await testTrail()
  const at = (agoMs: number) => new Date(Date.now() - agoMs)
  const wait = (count: number, made: Date) =>
    insertEntries(
      own.run,
      Array(count)
        .fill(entriesOf(DOCTOR, { action: "READ", resource: "patient", ids: [], outcome: "DONE" }, made))
        .flat(),
    )
  const verify = () => audit(["verify"], own.database.url)
  const sealed = "3 entries, positions 1 to 3: as they were sealed"
  const [recent, old] = [at(1_000), at(UNSEALED_MAX_AGE_MS + 1_000)]
  await wait(2, recent)
  expect(await verify()).toEqual({ code: 0, output: `${sealed}\nwaiting to be sealed: 2, the oldest since ${recent.toISOString()}` })
  await wait(1_200, old)
  const { code, output } = await verify()
  expect([code, output.split("\n")]).toEqual([
    2,
    [
      sealed,
      `waiting to be sealed: 1202, the oldest since ${old.toISOString()}`,
      "the audit log is as it was sealed, but what came after is not being sealed: the oldest has waited for more than 60 s; is a worker running?",
    ],
  ])
  expect(await own.database.pool`select 1 from audit_inbox`).toHaveLength(1_202)
  expect((await own.verify()).position).toBe(3)
  await own.seal()
  expect((await verify()).output).toEndWith("no entry waits to be sealed")
}, 60_000)

test("verify tells apart a sealer that is at work from one that comes to no end", async () => {
  await using own = await testTrail()
  await own.read(1)
  const held = await own.database.pool.reserve()
  await held`begin`
  await held`select seal_audit(1)`
  const stuck = await audit(["verify"], own.database.url)
  expect([stuck.code, stuck.output]).toEqual([2, expect.stringContaining("does not end")])
  const verifying = audit(["verify"], own.database.url)
  await held`commit`
  held.release()
  expect((await verifying).code).toBe(0)
}, 60_000)

test("verify names a row that was put in after the end, and says that this keeps what waits from being sealed", async () => {
  await using own = await testTrail()
  await own.database.pool`insert into audit_log select 4, sealed_at, entry, patients, resources, hash from audit_log where position = 3`
  await own.read(1)
  const { code, output } = await audit(["verify"], own.database.url)
  expect([code, output.split("\n")]).toEqual([
    1,
    [
      "position 4: added: it is no part of the chain",
      'what waits cannot be sealed: duplicate key value violates unique constraint "audit_log_0_pkey"',
      "the audit log is not as it was sealed: 1 findings in 3 entries, positions 1 to 3",
    ],
  ])
}, 30_000)

test("verify says by code 2 that what waits cannot be sealed, where the log is as it was", async () => {
  await using own = await testTrail()
  await own.read(1)
  await own.database.pool`alter table audit_log add constraint none check (position < 4)`
  const { code, output } = await audit(["verify"], own.database.url)
  expect([code, output.split("\n")]).toEqual([
    2,
    [
      "3 entries, positions 1 to 3: as they were sealed",
      'what waits cannot be sealed: new row for relation "audit_log_0" violates check constraint "none"',
      "the audit log is as it was sealed, but what came after cannot be sealed",
    ],
  ])
}, 30_000)

test("verify goes through the log of a server that only reads, and says what it cannot tell there", async () => {
  await using own = await testTrail()
  await own.database.pool.unsafe(`alter database "${new URL(own.database.url).pathname.slice(1)}" set default_transaction_read_only = on`)
  const { code, output } = await audit(["verify"], own.database.url)
  expect([code, output.split("\n")]).toEqual([
    0,
    ["3 entries, positions 1 to 3: as they were sealed", "what waits to be sealed cannot be told on a server that only reads"],
  ])
}, 30_000)

test("anything else is answered by how to use it, and a file without checkpoints is refused", async () => {
  for (const args of [[], ["mend"], ["verify", "now"], ["verify", "--anchor", "x"]]) {
    const { code, output } = await audit(args)
    expect([args, code, output.includes("use: bun run audit verify")]).toEqual([args, 1, true])
  }
  const empty = join(folder, "empty")
  await Bun.write(empty, "{}\n")
  expect(await audit(["verify", "--anchors", empty])).toEqual({ code: 1, output: `${empty} holds no checkpoint of an audit log` })
}, 30_000)
