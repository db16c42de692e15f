/**
 * `npm run build`: one file a process in dist/. Packages stay outside, in node_modules: `npm install` has to bring them
 * anyway (Bun itself is one), and some of them load parts of themselves by path. `--if-missing` builds only a missing one.
 */
import { existsSync } from "node:fs"
import { mkdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { readBill } from "./supply/bill.ts"

const ROOT = join(import.meta.dir, "..")
const DIST = join(ROOT, "dist")
/** Each becomes dist/<name>.js, one folder below the root as its source is, so that paths such as ../sql hold in both. */
const ENTRIES = {
  api: "api/main.ts",
  worker: "worker/main.ts",
  realtime: "realtime/main.ts",
  start: "scripts/start.ts",
  migrate: "scripts/migrate.ts",
}

const names = Object.keys(ENTRIES) as (keyof typeof ENTRIES)[]
const complete = names.every((name) => existsSync(join(DIST, `${name}.js`)))
if (!(process.argv.includes("--if-missing") && complete)) await build()

/** Built beside and moved into place, so that a process that starts meanwhile finds a whole file. */
async function build(): Promise<void> {
  const fresh = join(DIST, `.fresh-${process.pid}`)
  try {
    for (const name of names) {
      const result = await Bun.build({
        entrypoints: [join(ROOT, ENTRIES[name])],
        outdir: fresh,
        naming: `${name}.js`,
        target: "bun",
        packages: "external",
        sourcemap: "inline",
      })
      if (!result.success) throw new AggregateError(result.logs, `${ENTRIES[name]} could not be bundled`)
    }
    await mkdir(DIST, { recursive: true })
    await Bun.write(join(DIST, "sbom.cdx.json"), JSON.stringify(await readBill(), null, 2))
    for (const name of names) await rename(join(fresh, `${name}.js`), join(DIST, `${name}.js`))
    console.log(`built ${names.map((name) => `dist/${name}.js`).join(", ")}`)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}
