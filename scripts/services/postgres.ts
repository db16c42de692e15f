/** A PostgreSQL server of our own, its files in a folder that outlives it. */
import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join, resolve } from "node:path"
import postgres from "postgres"
import { findProcess } from "../../core/launcher.ts"
import { findFreePort } from "./ports.ts"
import { findPostgres, type Postgres } from "./postgres-binaries.ts"
import { reachableFolder } from "./reachable.ts"
import { run } from "./run.ts"
import { type Say, SetupError } from "./say.ts"
import { endProcess, logTail, type Server, startServer, stopLeftBehind } from "./server.ts"

const INITDB_TIMEOUT_MS = 60_000
/** After a crash the server first replays its log, and after a million doctors that is long. */
const START_TIMEOUT_MS = 120_000
/** A port may be taken just before us, and a crashed server's processes take a moment to go. */
const START_TRIES = 4
const RETRY_PAUSE_MS = 1_000
const POLL_MS = 50

export type PostgresOptions = {
  /** Holds `postgres/`, its log and the file that names its process. */
  dataDir: string
  say: Say
  /** Further settings, such as `fsync=off` for tests. */
  settings?: string[]
  /** Another PostgreSQL than the one from npm. */
  binaries?: Postgres
  /** The port it had before, for those who were told of it; any, if left out. */
  port?: number
}

export type PostgresServer = { adminUrl: string; port: number; pid: number; exited: Promise<string>; stop: () => Promise<void> }

const SETTINGS = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=200",
  "shared_buffers=256MB",
  "maintenance_work_mem=256MB",
  // A million doctors in one COPY should not wait for checkpoints.
  "max_wal_size=4GB",
  "checkpoint_timeout=15min",
  // Compiling costs more than these short queries take.
  "jit=off",
]

/** Starts the server, making the database files on the first run and recovering them after a crash. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { dataDir, say, settings = [], port: fixed } = options
  const root = resolve(dataDir)
  await mkdir(root, { recursive: true })
  const binaries = options.binaries ?? (await findPostgres(say))
  const files = await reachableFolder(join(root, "postgres"), binaries.user, say)
  const identityFile = join(root, "postgres-process.json")
  await stopLeftBehind(identityFile, "PostgreSQL", "SIGINT", say)
  if (!existsSync(join(files, "PG_VERSION"))) await initialise(binaries, files, say)
  await requireSameMajor(binaries, files)
  await clearPidFile(files)
  const password = (await readFile(join(files, PASSWORD_FILE), "utf8")).trim()
  const logFile = join(root, "postgres.log")
  for (let attempt = 1; ; attempt++) {
    const port = fixed ?? (await findFreePort())
    const command = [binaries.server, "-D", files, "-p", String(port), ...[...SETTINGS, ...settings].flatMap((s) => ["-c", s])]
    const server = startServer({ name: "PostgreSQL", command, logFile, identityFile, stopSignal: "SIGINT", user: binaries.user })
    const adminUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
    if (await answers(server, adminUrl)) return { adminUrl, port, pid: server.pid, exited: server.exited, stop: server.stop }
    await server.stop()
    if (attempt === START_TRIES) throw new SetupError(`PostgreSQL did not start. The end of ${logFile}:\n${logTail(logFile)}`)
    await Bun.sleep(RETRY_PAUSE_MS)
  }
}

/** The major version from which Postgres brings locales of its own. */
const BUILTIN_LOCALES_SINCE = 17
const PASSWORD_FILE = "pulsecal-password"

/** Makes the files beside their place and moves them there when complete, so that a half-made folder is never used. */
async function initialise(binaries: Postgres, files: string, say: Say): Promise<void> {
  say(`preparing a PostgreSQL ${binaries.major} database in ${files}`)
  const making = `${files}.new`
  await rm(making, { recursive: true, force: true })
  await mkdir(making, { recursive: true, mode: 0o700 })
  const secrets = await mkdtemp(join(tmpdir(), "pulsecal-"))
  const passwordFile = join(secrets, "password")
  await writeFile(passwordFile, randomBytes(24).toString("hex"), { mode: 0o600 })
  if (binaries.user) for (const path of [making, secrets, passwordFile]) await chown(path, binaries.user.uid, binaries.user.gid)
  // One collation, the same on every machine: the builtin provider compares code points and knows every letter's case.
  const builtin = Number(binaries.major) >= BUILTIN_LOCALES_SINCE ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : []
  const locale = ["--encoding=UTF8", "--locale=C", ...builtin]
  const login = ["--username=postgres", "--auth=scram-sha-256", `--pwfile=${passwordFile}`]
  const { code, output } = await run([binaries.initdb, `--pgdata=${making}`, ...locale, ...login], {
    timeoutMs: INITDB_TIMEOUT_MS,
    user: binaries.user,
  })
  if (code !== 0) throw new SetupError(`PostgreSQL could not prepare ${files}:\n${output || `code ${code}`}`)
  await writeFile(join(making, PASSWORD_FILE), await readFile(passwordFile, "utf8"), { mode: 0o600 })
  await chmod(join(making, PASSWORD_FILE), 0o600)
  await rm(secrets, { recursive: true, force: true })
  await mkdir(dirname(files), { recursive: true })
  await rename(making, files).catch((error) => {
    throw new SetupError(`${files} exists and is not a PostgreSQL folder (${error.code}): move it away, or set DATA_DIR to another folder`)
  })
}

async function requireSameMajor(binaries: Postgres, files: string): Promise<void> {
  const major = (await readFile(join(files, "PG_VERSION"), "utf8")).trim()
  if (major !== binaries.major)
    throw new SetupError(
      `${files} was made by PostgreSQL ${major}, this is ${binaries.major}: set DATA_DIR to another folder, or move the data with pg_upgrade`,
    )
}

/** A pid file outlives a crash. It is in the way only if its pid now belongs to some process; then the server refuses to start. */
async function clearPidFile(files: string): Promise<void> {
  const pidFile = join(files, "postmaster.pid")
  const pid = Number((await readFile(pidFile, "utf8").catch(() => "")).split("\n")[0])
  if (!(pid > 0)) return
  const holder = findProcess(pid)
  const isServer = holder && basename(holder.command[0] ?? "").startsWith("postgres")
  if (isServer && holder.command.includes(files)) await endProcess(holder, "SIGINT")
  else if (holder && !isServer) await rm(pidFile, { force: true })
}

async function answers(server: Server, url: string): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline && server.running()) {
    const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} })
    try {
      await sql`select 1`
      return true
    } catch {
      await Bun.sleep(POLL_MS)
    } finally {
      await sql.end({ timeout: 1 })
    }
  }
  return false
}
