import { expect, test } from "bun:test"

const CHILD = `
  import { openLog } from "${import.meta.dir}/../core/log.ts"
  import { requestLines } from "${import.meta.dir}/request-line.ts"
  const log = openLog("api", process.env.LEVEL)
  const write = requestLines(log)
`

/** What a process prints that runs this after CHILD, as lines. */
async function printed(code: string, level = "info"): Promise<Record<string, unknown>[]> {
  const child = Bun.spawn([process.execPath, "-e", CHILD + code], {
    env: { ...process.env, LEVEL: level },
    stdio: ["ignore", "pipe", "inherit"],
  })
  const [text] = await Promise.all([child.stdout.text(), child.exited])
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

test("a request's line has what pino would have written, in its order", async () => {
  const [own, pinos] = await printed(`
    const answered = { requestId: "abc-1", method: "GET", route: "/api/v1/me", status: 200 }
    write({ ...answered, durationMs: 1.23456 })
    log.info({ ...answered, ms: 1.235 }, "request")`)
  expect(Object.keys(own ?? {})).toEqual(Object.keys(pinos ?? {}))
  expect({ ...own, time: "" }).toEqual({ ...pinos, time: "" })
  for (const line of [own, pinos]) expect(new Date(line?.time as string).toISOString()).toBe(line?.time as string)
})

test("durations are in milliseconds, to the microsecond, however long", async () => {
  const durations = [0, 0.0004, 0.001, 0.0126, 0.999, 0.9996, 1, 12.3456, 65_432.1]
  const lines = await printed(
    `for (const durationMs of ${JSON.stringify(durations)}) write({ requestId: "a", method: "GET", route: "/", status: 200, durationMs })`,
  )
  expect(lines.map((line) => line.ms)).toEqual(durations.map((d) => Math.round(d * 1000) / 1000))
})

test("a line has the instant at which it was written, over seconds", async () => {
  const lines = await printed(`
    for (let i = 0; i < 12; i++) {
      const before = Date.now()
      write({ requestId: String(before), method: "GET", route: "/", status: 200, durationMs: 0 })
      await Bun.sleep(100)
    }`)
  expect(lines).toHaveLength(12)
  for (const line of lines) expect(Math.abs(Date.parse(line.time as string) - Number(line.requestId))).toBeLessThanOrEqual(2)
})

test("below the level there are none", async () => {
  expect(await printed('write({ requestId: "a", method: "GET", route: "/", status: 200, durationMs: 0 })', "warn")).toEqual([])
})
