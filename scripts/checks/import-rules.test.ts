import { beforeAll, expect, test } from "bun:test"
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const ROOT = join(import.meta.dir, "..", "..")

/** Each file breaks the rule it is named after; every other line it could have would be legal. */
const BREACHES: Record<string, string> = {
  "api/imports-worker.ts": `import { x } from "../worker/registry.ts"`,
  "api/imports-realtime.ts": `import { x } from "../realtime/relay.ts"`,
  "worker/imports-api.ts": `import { x } from "../api/app.ts"`,
  "worker/jobs/imports-realtime.ts": `import { x } from "../../realtime/relay.ts"`,
  "realtime/imports-api.ts": `import { x } from "../api/app.ts"`,
  "realtime/imports-worker.ts": `import { x } from "../worker/registry.ts"`,
  "core/doctors/imports-api.ts": `import { x } from "../../api/app.ts"`,
  "core/doctors/imports-worker.ts": `import { x } from "../../worker/registry.ts"`,
  "core/doctors/imports-realtime.ts": `import { x } from "../../realtime/relay.ts"`,
  "core/doctors/imports-scripts.ts": `import { x } from "../../scripts/dev.ts"`,
  "core/doctors/imports-tests.ts": `import { x } from "../../tests/harness/services.ts"`,
  "core/doctors/imports-hono.ts": `import { Hono as x } from "hono"`,
  "core/doctors/imports-hono-part.ts": `import { cors as x } from "hono/cors"`,
  "core/doctors/imports-validator.ts": `import { zValidator as x } from "@hono/zod-validator"`,
  "core/doctors/imports-socket-io.ts": `import { Server as x } from "socket.io"`,
  "core/doctors/imports-adapter.ts": `import { createAdapter as x } from "@socket.io/redis-adapter"`,
  "core/doctors/imports-bullmq-worker.ts": `import { Worker as x } from "bullmq"`,
  "core/db.ts": `import { x } from "./doctors/queries.ts"`,
  "core/config.ts": `import { x } from "./auth/firebase.ts"`,
  "core/redis.ts": `import { x } from "./appointments/book.ts"`,
  "core/log.ts": `import { x } from "./doctors/queries.ts"`,
  "core/errors.ts": `import { x } from "./doctors/queries.ts"`,
  "core/text.ts": `import { x } from "./doctors/queries.ts"`,
  "core/examples.ts": `import { x } from "./doctors/queries.ts"`,
  "core/time.ts": `import { x } from "./doctors/queries.ts"`,
  "core/events/publisher.ts": `import { x } from "../doctors/queries.ts"`,
  "core/events/log.ts": `import { Server as x } from "socket.io"`,
  "core/events/stream.ts": `import { x } from "../../api/app.ts"`,
}

const LEGAL: Record<string, string> = {
  "api/legal.ts": `import { x } from "../core/doctors/search.ts"\nexport { Hono } from "hono"`,
  "core/doctors/legal.ts": `import { x } from "../appointments/book.ts"\nexport { Queue } from "bullmq"`,
  "core/events/legal.ts": `import { x } from "../log.ts"`,
  "core/doctors/legal.test.ts": `import { x } from "../../tests/harness/services.ts"`,
}

type Diagnostic = { category: string; location: { path: string | { file: string } } }
let diagnostics: { path: string; category: string }[]

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "pulsecal-rules-"))
  const cycle = {
    "core/doctors/first.ts": `export { y as x } from "./second.ts"`,
    "core/doctors/second.ts": `export { x as y } from "./first.ts"`,
  }
  for (const [path, line] of Object.entries({ ...BREACHES, ...LEGAL })) await write(join(folder, path), `${line}\nexport const y = x\n`)
  for (const [path, line] of Object.entries(cycle)) await write(join(folder, path), `${line}\n`)
  for (const name of ["biome.json", ".gitignore"]) await copyFile(join(ROOT, name), join(folder, name))
  const command = [join(ROOT, "node_modules", ".bin", "biome"), "lint", "--reporter=json", "--max-diagnostics=none", "."]
  const child = Bun.spawn(command, { cwd: folder, stdout: "pipe", stderr: "ignore" })
  const found = JSON.parse(await child.stdout.text()) as { diagnostics: Diagnostic[] }
  diagnostics = found.diagnostics.map(({ category, location: { path } }) => ({
    category,
    path: typeof path === "string" ? path : path.file,
  }))
  await rm(folder, { recursive: true })
})

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

const found = (path: string) => diagnostics.filter((d) => d.path.endsWith(path)).map((d) => d.category)

for (const path of Object.keys(BREACHES))
  test(`the check refuses ${path}: ${BREACHES[path]}`, () => expect(found(path)).toContain("lint/style/noRestrictedImports"))

test("what the rules allow passes", () => {
  for (const path of Object.keys(LEGAL)) expect(found(path)).not.toContain("lint/style/noRestrictedImports")
})

test("a cycle of imports is refused", () => expect(found("core/doctors/first.ts")).toContain("lint/suspicious/noImportCycles"))
