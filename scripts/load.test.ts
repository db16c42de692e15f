/** The command itself, against an API as it runs. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { type TestApi, testApi } from "../tests/harness/api.ts"
import { freePort } from "../tests/harness/services.ts"

const TIMEOUT_MS = 30_000
const READS_A_MINUTE = 10
/** The first search is asked once more, before all others. */
const ASKED = 50
/** As the command has it. */
const IN_FLIGHT_MAX = 256
const [STALLED_RATE, STALLED_MS] = [2_000, 500]
/** A signal is noticed within it. Later would find room, and leave fewer unsent. */
const SIGNAL_MS = 200

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

const spawnLoad = (url: string, ...args: string[]) =>
  Bun.spawn([process.execPath, "scripts/load.ts", "--url", url, ...args], {
    cwd: join(import.meta.dir, ".."),
    env: { PATH: process.env.PATH ?? "" },
    stdout: "pipe",
    stderr: "pipe",
  })

const load = (url: string, ...args: string[]) => endOf(spawnLoad(url, "--rate", String(ASKED), "--seconds", "1", ...args))

async function endOf(child: ReturnType<typeof spawnLoad>) {
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

/** Answers nobody but the first, which the command asks before all others, until it is told to; says when so many wait. */
function stalled(waiting: number) {
  const [full, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let asked = 0
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch() {
      if (++asked > waiting) full.resolve()
      if (asked > 1) await end.promise
      return new Response("{}")
    },
  })
  return { url: server.url.origin, full: full.promise, end: end.resolve, [Symbol.asyncDispose]: () => server.stop(true) }
}

test(
  "an interrupt in a stall says how many were due and had found no room, counts them, and fails",
  async () => {
    await using server = stalled(IN_FLIGHT_MAX)
    const child = spawnLoad(server.url, "--rate", String(STALLED_RATE), "--seconds", "60")
    await server.full
    await Bun.sleep(STALLED_MS)
    child.kill("SIGINT")
    await Bun.sleep(SIGNAL_MS)
    server.end()
    const { code, err, lines } = await endOf(child)
    const unsent = /^Interrupted after [\d.]+ s; ([\d,]+) were due by then and had found no room/.exec(lines[0] ?? "")?.[1] ?? "none"
    expect([code, err, lines[2]]).toEqual([1, "", `Answers: not sent: ${unsent}, 200: ${IN_FLIGHT_MAX}`])
    expect(Number(unsent.replaceAll(",", ""))).toBeGreaterThan(((STALLED_RATE * STALLED_MS) / 1000) * 0.9)
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
