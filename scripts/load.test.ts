/** The command itself, against an API as it runs. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { type TestApi, testApi } from "../tests/harness/api.ts"
import { freePort } from "../tests/harness/services.ts"

const TIMEOUT_MS = 30_000
const READS_A_MINUTE = 10
/** The first search is asked once more, before all others. */
const ASKED = 50

let open: TestApi
let limited: TestApi
beforeAll(async () => {
  open = await testApi()
  limited = await testApi({ RATE_LIMIT: "1", RATE_LIMIT_READS_PER_MINUTE: String(READS_A_MINUTE) })
})
afterAll(async () => {
  await open[Symbol.asyncDispose]()
  await limited[Symbol.asyncDispose]()
})

async function load(url: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, "scripts/load.ts", "--url", url, "--rate", String(ASKED), "--seconds", "1", ...args], {
    cwd: join(import.meta.dir, ".."),
    env: { PATH: process.env.PATH ?? "" },
    stdout: "pipe",
    stderr: "pipe",
  })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, err: err.trim(), lines: out.trim().split("\n") }
}

test(
  "all of its searches are answered with 200 by an API that runs, in which case alone it succeeds",
  async () => {
    const { code, err, lines } = await load(open.url)
    expect([code, err, lines[1]]).toEqual([0, "", `Answers: 200: ${ASKED}`])
    expect(lines[0]).toStartWith(`${ASKED} searches a second for 1 s were asked for; `)
    expect(lines.length).toBe(4)
  },
  TIMEOUT_MS,
)

test(
  "searches that are refused are counted, and it fails",
  async () => {
    const { code, err, lines } = await load(limited.url, "--token", limited.person().token)
    const answered = READS_A_MINUTE - 1
    expect([code, err, lines[1]]).toEqual([1, "", `Answers: 429: ${ASKED - answered}, 200: ${answered}`])
  },
  TIMEOUT_MS,
)

test(
  "where nobody answers, or nobody knows the token, it says so at once and fails",
  async () => {
    const closed = `http://127.0.0.1:${await freePort()}`
    expect(await load(closed)).toMatchObject({
      code: 1,
      err: `${closed} does not answer a search with 200 (ECONNREFUSED)`,
      lines: [""],
    })
    const refused = await load(open.url, "--token", "forged")
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("--token"), lines: [""] })
  },
  TIMEOUT_MS,
)
