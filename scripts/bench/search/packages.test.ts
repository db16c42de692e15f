import { afterEach, beforeEach, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { findPostgis, findWrk, type Machine } from "./packages.ts"

const QUIET = "env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1"
const UPDATE = `${QUIET} apt-get update -q`
const INSTALL = `${QUIET} apt-get install -y -q --no-install-recommends`
const SEARCH = "apt-cache --names-only search ^postgresql-[0-9]+-postgis-3$"
const KNOWN = "postgresql-9-postgis-3 - Geographic objects\npostgresql-15-postgis-3 - Geographic objects"
const USER = { uid: 70, gid: 70 }

let folder = ""

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pulsecal-packages-"))
})

afterEach(() => rm(folder, { recursive: true }))

/** What a command does to the machine, and says; one that says nothing fails. */
type Commands = Record<string, () => Promise<string | undefined>>

/** A machine with these programs and nothing of the peers. It notes what it is told to run, and fails in what it does not know. */
function machineOf(isRoot: boolean, programs: string[], commands: Commands = {}) {
  const ran: string[] = []
  const machine: Machine = {
    which: (program) => (programs.includes(program) ? `/usr/bin/${program}` : undefined),
    async run(command) {
      const line = command.join(" ")
      ran.push(line)
      const output = await commands[line]?.()
      return output === undefined ? { code: 100, output: "Reading lists...\nE: no such package" } : { code: 0, output }
    },
    isRoot,
    postgresFolder: join(folder, "lib"),
    sharedFolder: join(folder, "share"),
    serverUser: async () => USER,
  }
  return { machine, ran, programs }
}

async function saidBy(find: (say: (line: string) => void) => Promise<unknown>): Promise<{ found: unknown; said: string[] }> {
  const said: string[] = []
  const found = await find((line) => said.push(line))
  return { found, said }
}

async function write(...files: string[]): Promise<void> {
  for (const file of files) {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, "")
  }
}

/** As the package lays them down. */
const filesOf = (major: number) => [
  join(folder, "lib", String(major), "bin", "postgres"),
  join(folder, "share", String(major), "extension", "postgis.control"),
]

test("a program that is here is taken without a word, whoever asks", async () => {
  const { machine, ran } = machineOf(false, ["wrk"])
  expect(await saidBy((say) => findWrk(say, machine))).toEqual({ found: "/usr/bin/wrk", said: [] })
  expect(ran).toEqual([])
})

test.each<[string, boolean, string[], string]>([
  ["without apt-get", true, [], "there is no apt-get to install it with"],
  ["to who is not root", false, ["apt-get"], "only root may install it"],
])("%s, what is left out is named, and nothing is run", async (_, isRoot, programs, why) => {
  const { machine, ran } = machineOf(isRoot, programs)
  const line = (packages: string) => `${packages} is left out: it is not here, and ${why}`
  expect(await saidBy((say) => findWrk(say, machine))).toEqual({ found: undefined, said: [line("wrk")] })
  expect(await saidBy((say) => findPostgis(say, machine))).toEqual({ found: undefined, said: [line("PostGIS")] })
  expect(ran).toEqual([])
})

test("root installs wrk where it is not, once the list of packages is read, and takes it from where it then is", async () => {
  const commands: Commands = {
    [UPDATE]: async () => "",
    [`${INSTALL} wrk`]: async () => {
      programs.push("wrk")
      return ""
    },
  }
  const { machine, ran, programs } = machineOf(true, ["apt-get"], commands)
  const said = ["reading the list of Debian packages (apt-get update)", "installing wrk with apt-get"]
  expect(await saidBy((say) => findWrk(say, machine))).toEqual({ found: "/usr/bin/wrk", said })
  expect(ran).toEqual([UPDATE, `${INSTALL} wrk`])
})

test("an install that fails leaves wrk out, whatever of it is there now, with the last line that apt-get said", async () => {
  const commands: Commands = {
    [UPDATE]: async () => "",
    [`${INSTALL} wrk`]: async () => {
      programs.push("wrk")
      return undefined
    },
  }
  const { machine, programs } = machineOf(true, ["apt-get"], commands)
  const { found, said } = await saidBy((say) => findWrk(say, machine))
  expect(found).toBeUndefined()
  expect(said.at(-1)).toBe("apt-get could not install wrk: E: no such package")
})

test("of all PostgreSQL here the newest that has PostGIS is taken, run by nobody but root as another user", async () => {
  await write(...[9, 15, 10, 14, 11, 13, 12].flatMap(filesOf), join(folder, "lib", "17", "bin", "postgres"))
  const server = join(folder, "lib", "15", "bin", "postgres")
  const commands: Commands = { [`${server} --version`]: async () => "postgres (PostgreSQL) 15.8 (Debian 15.8-1)" }
  const initdb = join(folder, "lib", "15", "bin", "initdb")
  for (const isRoot of [true, false]) {
    const { machine, ran } = machineOf(isRoot, ["apt-get"], commands)
    const found = { version: "15.8", major: "15", initdb, server, user: isRoot ? USER : undefined }
    expect(await saidBy((say) => findPostgis(say, machine))).toEqual({ found, said: [] })
    expect(ran).toEqual([`${server} --version`])
  }
})

test("root installs the newest PostGIS that apt knows where there is none, and takes it from where it then is", async () => {
  const [server] = filesOf(15) as [string, string]
  const install = `${INSTALL} postgresql-15-postgis-3 postgresql-contrib`
  const commands: Commands = {
    [UPDATE]: async () => "",
    [SEARCH]: async () => KNOWN,
    [install]: async () => {
      await write(...filesOf(15))
      return ""
    },
    [`${server} --version`]: async () => "postgres (PostgreSQL) 15.8",
  }
  const { machine, ran } = machineOf(true, ["apt-get"], commands)
  const { found } = await saidBy((say) => findPostgis(say, machine))
  expect(found).toMatchObject({ major: "15", version: "15.8", server, user: USER })
  expect(ran).toEqual([UPDATE, SEARCH, install, `${server} --version`])
})

test("where apt knows no PostGIS, or cannot install it, it is left out, and that is said", async () => {
  const known = (commands: Commands) => machineOf(true, ["apt-get"], commands).machine
  const unknown = await saidBy((say) => findPostgis(say, known({ [UPDATE]: async () => "", [SEARCH]: async () => "" })))
  expect(unknown.found).toBeUndefined()
  expect(unknown.said.at(-1)).toBe("PostGIS is left out: apt knows no package of it")
  const failing = await saidBy((say) => findPostgis(say, known({ [UPDATE]: async () => "", [SEARCH]: async () => KNOWN })))
  expect(failing.found).toBeUndefined()
  expect(failing.said.at(-1)).toBe("apt-get could not install postgresql-15-postgis-3, postgresql-contrib: E: no such package")
})
