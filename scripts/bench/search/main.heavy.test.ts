import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const ROOT = join(import.meta.dir, "..", "..", "..")
const TIMEOUT_MS = 300_000
/** A median with its spread: what it is depends on the machine, that it is there does not. */
const FIGURE = /\d[\d,.]* \(\d[\d,.]*–\d[\d,.]*\)/

test(
  "the whole bench runs: everybody is checked and measured, every table is printed, and no figure is kept",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "pulsecal-bench-search-"))
    const readme = await Bun.file(join(ROOT, "README.md")).text()
    try {
      const narrowed = [
        "--sizes",
        "5000",
        "--rounds",
        "1",
        "--seconds",
        "1",
        "--only",
        "static,static-bare,ours,ours-sql,kdbush",
        "--data",
        folder,
      ]
      const child = Bun.spawn([process.execPath, join(import.meta.dir, "main.ts"), ...narrowed], { stdio: ["ignore", "pipe", "pipe"] })
      const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
      expect({ code, err: code === 0 ? "" : err }).toEqual({ code: 0, err: "" })
      expect(await Bun.file(join(folder, "results.json")).json()).toMatchObject({ rounds: 1, sizes: [{ doctors: 5_000, skipped: [] }] })
      const lines = out.split("\n")
      for (const start of [
        "| a static answer of 20 doctors",
        "| the same from `Bun.serve` without a router",
        "| PulseCal; served by index",
        "| PulseCal by SQL alone (`SEARCH_INDEX_MAX_MB=0`); served by sql-near",
        "| kdbush and geokdbush",
        "| 5,000 |",
        "| 500 |",
        "| the doctor index, 20 nearest |",
        "| kdbush per specialization, 20 nearest |",
        "| a search answered by its lane |",
        "| bad input refused by the lane |",
        "| the answer by gzip",
      ])
        expect(lines.find((line) => line.startsWith(start)) ?? `no row ${start}`).toMatch(FIGURE)
      for (const start of ["| Bad input:", "| a whole name |", "| page 100 of 100 each |", "The slowest of the 27 kinds of bad input:"])
        expect(lines.find((line) => line.startsWith(start)) ?? `no line ${start}`).toStartWith(start)
      const checked = lines.find((line) => line.startsWith("Answered rightly")) ?? ""
      expect(checked).toContain("all 4,000 searches of the mix by PulseCal, PulseCal by SQL alone")
      expect(checked).toContain("all 2,500 searches by radius by PulseCal.")
      expect(await Bun.file(join(ROOT, "README.md")).text()).toBe(readme)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  TIMEOUT_MS,
)
