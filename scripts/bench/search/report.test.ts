import { expect, test } from "bun:test"
import { chart } from "./chart.ts"
import { CONTENDERS } from "./contenders.ts"
import { withFigures } from "./readme.ts"
import { report } from "./report.ts"
import type { ContenderResult, Results } from "./results.ts"

const loadsOf = (...rates: number[]) => rates.map((perSecond) => ({ perSecond, p50Ms: 64_000 / perSecond, p99Ms: 128_000 / perSecond }))

function contender(name: ContenderResult["name"], ...rates: number[]): ContenderResult {
  return { name, loads: loadsOf(...rates), checked: 400, residentMb: 120.4, loadSeconds: undefined, servedBy: undefined }
}

const results: Results = {
  machine: "2 × Processor, Bun 1, PostgreSQL 15",
  generator: "wrk",
  rounds: 3,
  seconds: 3,
  sizes: [
    {
      doctors: 100_000,
      asked: { mix: 4_000, byRadius: 2_500 },
      contenders: [
        contender("static", 100_000, 80_000, 120_000),
        contender("static-bare", 200_000, 160_000, 240_000),
        { ...contender("ours", 50_000, 48_000, 48_000), checked: 4_000, loadSeconds: 1.234, servedBy: "index" },
        contender("ours-sql", 2_000, 3_000, 1_000),
        contender("haversine", 4, 5, 8),
      ],
      skipped: [{ name: "postgis", reason: "no PostGIS here, and none could be installed" }],
    },
  ],
  bySize: [
    { of: 10_000, loads: loadsOf(50_000, 40_000, 50_000) },
    { of: 100_000, loads: loadsOf(25_000, 40_000, 40_000) },
  ],
  refused: [
    { of: 10_000, loads: loadsOf(50_000, 60_000, 50_000) },
    { of: 100_000, loads: loadsOf(50_000, 50_000, 60_000) },
  ],
  byRadius: [{ doctors: 100_000, radii: [] }],
  indexAlone: "| the index alone |",
  answerCosts: undefined,
}

const lineOf = (text: string, start: string) => text.split("\n").find((line) => line.startsWith(start))

test("rates are medians with their spread, and ratios are taken within each round", () => {
  const text = report(results)
  // 50,000 ÷ 100,000, 48,000 ÷ 80,000 and 48,000 ÷ 120,000: the median of ratios, not the ratio of medians.
  expect(lineOf(text, "| PulseCal; served by index")).toBe(
    "| PulseCal; served by index | 48,000 (48,000–50,000) | 0.5 (0.4–0.6) | 1 | 0.04 (0.0208–0.0625) | 1.33 / 2.67 | 120 | 1.23 |",
  )
  expect(lineOf(text, "| PulseCal by SQL")).toContain("| 2,000 (1,000–3,000) | 0.02 (0.00833–0.0375) | 25 (16–48) | 1 |")
  expect(lineOf(text, "| Haversine")).toContain("| 5.0 (4.0–8.0) |")
})

test("the ceiling of all ratios is the static answer by Hono; the one without a router stands below it, compared as the others are", () => {
  const lines = report(results).split("\n")
  const ceiling = lines.findIndex((line) => line.startsWith("| a static answer of 20 doctors: the ceiling |"))
  expect(lines[ceiling]).toContain("| 100,000 (80,000–120,000) | 1 |")
  expect(lines[ceiling + 1]).toContain(
    "| the same from `Bun.serve` without a router | 200,000 (160,000–240,000) | 2 (2–2) | 0.25 (0.2–0.3) |",
  )
})

test("a peer that counts `total` is called so, and the text says that only those do the same work", () => {
  const peers = Object.entries(CONTENDERS).filter(([name]) => name !== "ours" && name !== "ours-sql")
  for (const [, { label, counts }] of peers) expect([label, label.endsWith("counting `total`")]).toEqual([label, counts])
  expect(report(results)).toContain('Only the rows "counting `total`" answer the same as PulseCal')
})

test("who could not run is named with the reason", () => {
  expect(lineOf(report(results), "| PostGIS `gist(geog)`")).toContain("left out: no PostGIS here")
})

test("how many answers of whom were found right is told", () => {
  const line = lineOf(report(results), "Answered rightly") ?? ""
  expect(line).toContain("all 4,000 searches of the mix by PulseCal; as many as fit into 12 s by PulseCal by SQL alone")
  expect(line).not.toContain("`Bun.serve`")
  expect(line).toContain("Haversine over the whole table (400); all 2,500 searches by radius by PulseCal.")
})

test("costs are compared with the first size and with the one before, round by round", () => {
  const bySize = [...results.bySize, { of: 1_000_000, loads: loadsOf(20_000, 20_000, 20_000) }]
  const text = report({ ...results, bySize, refused: bySize })
  expect(lineOf(text, "| 10,000 | 20")).toBe("| 10,000 | 20 (20–25) | 1 (1–1) | – |")
  expect(lineOf(text, "| 100,000 | 25")).toBe("| 100,000 | 25 (25–40) | 1.25 (1–2) | 1.25 (1–2) |")
  expect(lineOf(text, "| 1,000,000 | 50")).toBe("| 1,000,000 | 50 (50–50) | 2.5 (2–2.5) | 2 (1.25–2) |")
})

test("refusals are compared with answers of the same rounds", () => {
  expect(lineOf(report(results), "| 100,000 | 40,000")).toBe("| 100,000 | 40,000 (25,000–40,000) | 50,000 (50,000–60,000) | 1.5 (1.25–2) |")
})

test("without our endpoint or the ceiling there is a table all the same", () => {
  const [size] = results.sizes
  if (!size) throw new Error("there is a size")
  const alone = { ...size, contenders: size.contenders.filter(({ name }) => name === "haversine") }
  expect(lineOf(report({ ...results, sizes: [alone] }), "| Haversine")).toContain("| 5.0 (4.0–8.0) | – | – | – |")
})

test("only what stands between the README's marks is replaced, time after time", () => {
  const [begin, end] = ["<!-- bench:search: written by `bun run bench:search` -->", "<!-- /bench:search -->"]
  const once = withFigures(`before\n${begin}\nold\n${end}\nafter\n`, "new\n")
  expect(once).toBe(`before\n${begin}\n\nnew\n\n${end}\nafter\n`)
  expect(withFigures(once, "new")).toBe(once)
  expect(() => withFigures("no marks", "new")).toThrow("README")
})

test("the README of this repository has the marks", async () => {
  const readme = await Bun.file(`${import.meta.dir}/../../../README.md`).text()
  expect(withFigures(readme, "new")).toContain("\n\nnew\n\n")
})

test("the chart is a picture with a bar and a figure for everybody in every world", async () => {
  const svg = await chart(results.sizes)
  expect(svg).toStartWith("<svg")
  for (const text of ["100,000 doctors", "Haversine over the whole table", "48,000", "PulseCal", "the same from Bun.serve"])
    expect(svg).toContain(text)
})
