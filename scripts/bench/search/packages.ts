/** Debian's packages of the peers, installed where that is possible. */
import { existsSync } from "node:fs"
import { type Postgres, serverUser } from "../../services/postgres-binaries.ts"
import { run, which } from "../../services/run.ts"
import type { Say } from "../../services/say.ts"

const INSTALL_TIMEOUT_MS = 300_000
const VERSION_TIMEOUT_MS = 10_000
const FOLDER = "/usr/lib/postgresql"
const CONTROL_FILE = "extension/postgis.control"
/** No questions, and no server of the system's own: Debian's package would start one, except in single-user mode. */
const QUIET = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]

/** Debian's newest PostgreSQL that has PostGIS; undefined, and why, if there is none and none can be installed. */
export async function findPostgis(say: Say): Promise<Postgres | undefined> {
  const major = newestWithPostgis() ?? (await installPostgis(say))
  if (major === undefined) return undefined
  const server = `${FOLDER}/${major}/bin/postgres`
  const { output } = await run([server, "--version"], { timeoutMs: VERSION_TIMEOUT_MS })
  const user = process.getuid?.() === 0 ? await serverUser(say) : undefined
  const version = output.match(/[\d.]+/)?.[0] ?? major
  return { version, major, initdb: `${FOLDER}/${major}/bin/initdb`, server, user }
}

/** The path of wrk; undefined, having said so, if it is neither here nor to be had. */
export async function findWrk(say: Say): Promise<string | undefined> {
  return which("wrk") ?? ((await install(["wrk"], say)) ? which("wrk") : undefined)
}

function newestWithPostgis(): string | undefined {
  if (!existsSync(FOLDER)) return undefined
  const majors = [...new Bun.Glob("*/bin/postgres").scanSync(FOLDER)].map((path) => path.split("/")[0] ?? "")
  return majors.filter((major) => existsSync(`/usr/share/postgresql/${major}/${CONTROL_FILE}`)).sort((a, b) => Number(b) - Number(a))[0]
}

async function installPostgis(say: Say): Promise<string | undefined> {
  if (!which("apt-get")) return undefined
  await update(say)
  const { output } = await run(["apt-cache", "--names-only", "search", "^postgresql-[0-9]+-postgis-3$"], { timeoutMs: INSTALL_TIMEOUT_MS })
  const newest = [...output.matchAll(/postgresql-(\d+)-postgis-3/g)].map(([, major]) => Number(major)).sort((a, b) => b - a)[0]
  if (newest === undefined) return undefined
  // The contrib package brings btree_gist and pg_trgm where the server's own does not.
  return (await install([`postgresql-${newest}-postgis-3`, "postgresql-contrib"], say)) ? newestWithPostgis() : undefined
}

let updated = false

async function update(say: Say): Promise<void> {
  if (updated || process.getuid?.() !== 0) return
  updated = true
  say("reading the list of Debian packages (apt-get update)")
  await run([...QUIET, "apt-get", "update", "-q"], { timeoutMs: INSTALL_TIMEOUT_MS })
}

async function install(packages: string[], say: Say): Promise<boolean> {
  if (!which("apt-get") || process.getuid?.() !== 0) return false
  await update(say)
  say(`installing ${packages.join(", ")} with apt-get`)
  const { code, output } = await run([...QUIET, "apt-get", "install", "-y", "-q", "--no-install-recommends", ...packages], {
    timeoutMs: INSTALL_TIMEOUT_MS,
  })
  if (code !== 0) say(`apt-get could not install ${packages.join(", ")}: ${output.split("\n").at(-1)}`)
  return code === 0
}
