import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Trail, testTrail } from "../core/audit/test-trail.ts"

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
async function audit(...args: string[]): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env.PATH ?? "", DATABASE_URL: trail.database.url }
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "audit.ts"), ...args], { env, stdout: "pipe", stderr: "pipe" })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, output: `${out}${err}`.trim() }
}

test("verify says that all is as it was sealed, with and without what head printed before; then that it is not, by its position and code 1", async () => {
  const anchors = join(folder, "anchors")
  await Bun.write(anchors, `worker | ${(await audit("head")).output}\n`)
  await trail.read(4)
  await trail.seal()
  expect(await audit("verify")).toEqual({ code: 0, output: "7 entries, positions 1 to 7: as they were sealed" })
  const anchored = await audit("verify", "--anchors", anchors)
  expect(anchored).toEqual({ code: 0, output: "7 entries, positions 1 to 7: as they were sealed, and as 1 of 1 anchors say" })
  await trail.database.pool`update audit_log set entry = replace(entry, 'READ', 'CHANGE') where position = 6`
  const { code, output } = await audit("verify")
  expect([code, output.split("\n")]).toEqual([
    1,
    [
      "position 6: altered, or what stood before it was (it does not follow from position 5)",
      "the audit log is not as it was sealed: 1 findings in 7 entries, positions 1 to 7",
    ],
  ])
}, 30_000)

test("anything else is answered by how to use it, and a file without checkpoints is refused", async () => {
  for (const args of [[], ["mend"], ["verify", "now"], ["verify", "--anchor", "x"]]) {
    const { code, output } = await audit(...args)
    expect([args, code, output.includes("use: bun run audit verify")]).toEqual([args, 1, true])
  }
  const empty = join(folder, "empty")
  await Bun.write(empty, "{}\n")
  expect(await audit("verify", "--anchors", empty)).toEqual({ code: 1, output: `${empty} holds no checkpoint of an audit log` })
}, 30_000)
