/** Debian's packages of the peers, installed where that is possible. */
import { existsSync } from "node:fs"
import { type Postgres, type SystemUser, serverUser } from "../../services/postgres-binaries.ts"
import { run, which } from "../../services/run.ts"
import type { Say } from "../../services/say.ts"

const INSTALL_TIMEOUT_MS = 300_000
const VERSION_TIMEOUT_MS = 10_000
const CONTROL_FILE = "extension/postgis.control"
/** No questions, and no server of the system's own: Debian's package would start one, except in single-user mode. */
const QUIET = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]

/** What of a machine decides on what can be had, and what is done to it. */
export type Machine = {
  which: (program: string) => string | undefined
  run: typeof run
  isRoot: boolean
  /** Where Debian puts the programs of each PostgreSQL, and what they share. */
  postgresFolder: string
  sharedFolder: string
  serverUser: (say: Say) => Promise<SystemUser>
}

const HERE: Machine = {
  which,
  run,
  isRoot: process.getuid?.() === 0,
  postgresFolder: "/usr/lib/postgresql",
  sharedFolder: "/usr/share/postgresql",
  serverUser,
}

/** Debian's newest PostgreSQL that has PostGIS; undefined, having said why, if there is none and none can be installed. */
export async function findPostgis(say: Say, machine = HERE): Promise<Postgres | undefined> {
  const major = newestWithPostgis(machine) ?? (await installPostgis(say, machine))
  if (major === undefined) return undefined
  const binaries = `${machine.postgresFolder}/${major}/bin`
  const server = `${binaries}/postgres`
  const { output } = await machine.run([server, "--version"], { timeoutMs: VERSION_TIMEOUT_MS })
  const user = machine.isRoot ? await machine.serverUser(say) : undefined
  const version = output.match(/[\d.]+/)?.[0] ?? major
  return { version, major, initdb: `${binaries}/initdb`, server, user }
}

/** The path of wrk; undefined, having said why, if it is neither here nor to be had. */
export async function findWrk(say: Say, machine = HERE): Promise<string | undefined> {
  const here = machine.which("wrk")
  if (here !== undefined || !mayInstall("wrk", say, machine)) return here
  return (await install(["wrk"], say, machine)) ? machine.which("wrk") : undefined
}

/** Says so if not. */
function mayInstall(what: string, say: Say, machine: Machine): boolean {
  const apt = machine.which("apt-get")
  if (apt !== undefined && machine.isRoot) return true
  say(
    `${what} is left out: it is not here, and ${apt === undefined ? "there is no apt-get to install it with" : "only root may install it"}`,
  )
  return false
}

function newestWithPostgis({ postgresFolder, sharedFolder }: Machine): string | undefined {
  if (!existsSync(postgresFolder)) return undefined
  const majors = [...new Bun.Glob("*/bin/postgres").scanSync(postgresFolder)].map((path) => path.split("/")[0] ?? "")
  return majors.filter((major) => existsSync(`${sharedFolder}/${major}/${CONTROL_FILE}`)).sort((a, b) => Number(b) - Number(a))[0]
}

async function installPostgis(say: Say, machine: Machine): Promise<string | undefined> {
  if (!mayInstall("PostGIS", say, machine)) return undefined
  await update(say, machine)
  const search = ["apt-cache", "--names-only", "search", "^postgresql-[0-9]+-postgis-3$"]
  const { output } = await machine.run(search, { timeoutMs: INSTALL_TIMEOUT_MS })
  const newest = [...output.matchAll(/postgresql-(\d+)-postgis-3/g)].map(([, major]) => Number(major)).sort((a, b) => b - a)[0]
  if (newest === undefined) {
    say("PostGIS is left out: apt knows no package of it")
    return undefined
  }
  // The contrib package brings btree_gist and pg_trgm where the server's own does not.
  return (await install([`postgresql-${newest}-postgis-3`, "postgresql-contrib"], say, machine)) ? newestWithPostgis(machine) : undefined
}

/** Whose list of packages has been read since we started. */
const updated = new WeakSet<Machine>()

async function update(say: Say, machine: Machine): Promise<void> {
  if (updated.has(machine)) return
  updated.add(machine)
  say("reading the list of Debian packages (apt-get update)")
  await machine.run([...QUIET, "apt-get", "update", "-q"], { timeoutMs: INSTALL_TIMEOUT_MS })
}

/** Says why if it could not. */
async function install(packages: string[], say: Say, machine: Machine): Promise<boolean> {
  await update(say, machine)
  say(`installing ${packages.join(", ")} with apt-get`)
  const command = [...QUIET, "apt-get", "install", "-y", "-q", "--no-install-recommends", ...packages]
  const { code, output } = await machine.run(command, { timeoutMs: INSTALL_TIMEOUT_MS })
  if (code !== 0) say(`apt-get could not install ${packages.join(", ")}: ${output.split("\n").at(-1)}`)
  return code === 0
}
