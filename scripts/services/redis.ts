/** A Redis server of our own, from whatever the machine has or its package manager brings. */
import { mkdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import type { RedisConfig } from "../../core/config.ts"
import { findFreePort } from "./ports.ts"
import { run, which } from "./run.ts"
import { type Say, SetupError } from "./say.ts"
import { logTail, type Server, startServer, stopLeftBehind } from "./server.ts"

const PROGRAMS = ["redis-server", "valkey-server"]
/** Package managers fetch their lists first, over whatever network there is. */
const INSTALL_TIMEOUT_MS = 180_000
/** A server with a large append-only file reads it before it answers. */
const START_TIMEOUT_MS = 30_000
const START_TRIES = 4
const POLL_MS = 20

type Installer = { manager: string; commands: string[][] }

const INSTALLERS: Installer[] = [
  {
    manager: "apt-get",
    commands: [
      ["apt-get", "update", "-q"],
      ["apt-get", "install", "-y", "-q", "--no-install-recommends", "redis-server"],
    ],
  },
  { manager: "dnf", commands: [["dnf", "install", "-y", "valkey"]] },
  { manager: "yum", commands: [["yum", "install", "-y", "redis"]] },
  { manager: "apk", commands: [["apk", "add", "--no-cache", "redis"]] },
  { manager: "pacman", commands: [["pacman", "-Sy", "--noconfirm", "valkey"]] },
  { manager: "brew", commands: [["brew", "install", "redis"]] },
]

/** The path of a Redis (or Valkey) server, installed if need be. */
export async function findRedisServer(say: Say): Promise<string> {
  const found = onPath()
  if (found) return found
  const installer = INSTALLERS.find(({ manager }) => which(manager))
  if (!installer) throw new SetupError(`no redis-server is on the PATH and no package manager is known: ${HINT}`)
  const commands = await asAdministrator(installer)
  const shown = commands.map((c) => c.join(" ")).join(" && ")
  say(`no redis-server or valkey-server is on the PATH: installing it with ${installer.manager} (${shown})`)
  for (const command of commands) await run(["env", ...QUIET, ...command], { timeoutMs: INSTALL_TIMEOUT_MS, show: true })
  const installed = onPath()
  if (!installed) throw new SetupError(`${installer.manager} did not bring a redis-server: ${HINT}`)
  return installed
}

/** No questions, and no server of the system's own: Debian's package would start one, except in single-user mode. */
const QUIET = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
const HINT = "install redis-server or valkey-server, or set REDIS_HOST to a Redis of your own"

/** Package folders are not on every account's PATH: Debian keeps servers in /usr/sbin on some releases, Homebrew has its own. */
const MORE_FOLDERS = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"]

function onPath(): string | undefined {
  const path = [process.env.PATH ?? "", ...MORE_FOLDERS].join(":")
  return PROGRAMS.map((program) => Bun.which(program, { PATH: path })).find(Boolean) ?? undefined
}

async function asAdministrator({ manager, commands }: Installer): Promise<string[][]> {
  if (process.getuid?.() === 0 || manager === "brew") return commands
  const sudo = which("sudo") && (await run(["sudo", "-n", "true"], { timeoutMs: 5_000 })).code === 0
  if (!sudo) throw new SetupError(`no redis-server is on the PATH and installing one with ${manager} needs root: ${HINT}`)
  return commands.map((c) => ["sudo", "-n", "env", ...QUIET, ...c])
}

export type RedisServer = { config: RedisConfig; exited: Promise<string>; stop: () => Promise<void> }

/** Starts a server on a port of its own. Its data are kept, though nothing depends on them. */
export async function startRedis({ dataDir, say }: { dataDir: string; say: Say }): Promise<RedisServer> {
  const program = await findRedisServer(say)
  const root = resolve(dataDir)
  const dir = join(root, "redis")
  await mkdir(dir, { recursive: true })
  const identityFile = join(root, "redis-process.json")
  await stopLeftBehind(identityFile, "Redis", "SIGTERM", say)
  const logFile = join(root, "redis.log")
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort()
    const settings = { port, bind: "127.0.0.1", dir, appendonly: "yes", save: "", "maxmemory-policy": "noeviction" }
    const command = [program, ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])]
    const server = startServer({ name: "Redis", command, logFile, identityFile, stopSignal: "SIGTERM" })
    if (await answersPing(server, port))
      return { config: { host: "127.0.0.1", port, tls: false }, exited: server.exited, stop: server.stop }
    await server.stop()
    if (attempt === START_TRIES) throw new SetupError(`Redis did not start. The end of ${logFile}:\n${logTail(logFile)}`)
  }
}

async function answersPing(server: Server, port: number): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline && server.running()) {
    if ((await ping(port)).startsWith("+PONG")) return true
    await Bun.sleep(POLL_MS)
  }
  return false
}

/** The first words of its answer; empty when nobody answers. A server that still loads its file says so instead of PONG. */
function ping(port: number): Promise<string> {
  return new Promise((answer) => {
    const timer = setTimeout(() => answer(""), 1_000)
    const done = (text: string) => {
      clearTimeout(timer)
      answer(text)
    }
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => void socket.write("PING\r\n"),
        data: (socket, data) => {
          done(data.toString())
          socket.end()
        },
        close: () => done(""),
      },
    }).catch(() => done(""))
  })
}
