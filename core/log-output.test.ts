import { expect, test } from "bun:test"
import { until } from "../tests/harness/services.ts"

/** For a machine that is busy with other tests. */
const TIMEOUT_MS = 30_000

function spawn(code: string) {
  const prelude = `import { openLog } from "${import.meta.dir}/log.ts"\nconst log = openLog("api", "info")\n`
  return Bun.spawn([process.execPath, "-e", prelude + code], { env: { ...process.env }, stdio: ["ignore", "pipe", "inherit"] })
}

const numbers = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).n as number)

for (const [ending, code] of [
  ["exits", "process.exit(0)"],
  ["has nothing left to do", ""],
  ["throws", "throw new Error('a bug')"],
  [
    "is asked to stop and exits",
    "process.on('SIGTERM', () => process.exit(0)); process.kill(process.pid, 'SIGTERM'); await Bun.sleep(1_000)",
  ],
] as const)
  test(
    `every line is written, in order, when the process ${ending}`,
    async () => {
      const child = spawn(`for (let n = 0; n < 1_000; n++) n % 100 === 50 ? log.warn({ n }, "x") : log.info({ n }, "x")\n${code}`)
      expect(numbers(await child.stdout.text())).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
    },
    TIMEOUT_MS,
  )

test(
  "a line waits no longer than a moment, and a warning not at all, with all that came before it",
  async () => {
    const child = spawn(`
    log.info({ n: 0 }, "x")
    await Bun.sleep(1_000)
    log.info({ n: 1 }, "x"); log.warn({ n: 2 }, "x")
    // Busy, so that no timer runs.
    for (const end = Date.now() + 1_000; Date.now() < end; ) {}
    log.info({ n: 3 }, "x")`)
    const seen: [number, number][] = []
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) for (const n of numbers(decoder.decode(chunk))) seen.push([n, performance.now()])
    expect(seen.map(([n]) => n)).toEqual([0, 1, 2, 3])
    const at = (n: number) => seen[n]?.[1] as number
    expect(at(1) - at(0)).toBeGreaterThan(500)
    expect(at(3) - at(2)).toBeGreaterThan(500)
  },
  TIMEOUT_MS,
)

test(
  "a reader that does not keep up loses nothing",
  async () => {
    const child = spawn('for (let n = 0; n < 20_000; n++) log.info({ n, filler: "y".repeat(200) }, "x")')
    await Bun.sleep(500)
    const read = numbers(await child.stdout.text())
    expect(read).toEqual(Array.from({ length: 20_000 }, (_, n) => n))
    await until("the process ends", () => child.exitCode !== null)
  },
  TIMEOUT_MS,
)
