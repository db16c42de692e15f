/** Loads a server with prepared requests: wrk where it is, Bun's own client elsewhere. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { SetupError } from "../../services/say.ts"

export type Load = { perSecond: number; p50Ms: number; p99Ms: number }

export type Target = {
  url: string
  paths: string
  seconds: number
  connections: number
  /** The paths are bad on purpose: each must be refused. */
  refused?: boolean
}

export type Generator = {
  name: string
  /** Throws when an answer was no success, or no refusal where those are asked for: such a rate says nothing. */
  load(target: Target): Promise<Load>
}

/** A slow server's answers are waited for. */
const TIMEOUT_SECONDS = 60
/** A generator that does not end by itself is ended after its time and this. */
const GRACE_MS = 90_000

type Printed = { requests: number; microseconds: number; p50Us: number; p99Us: number; failed: number; status: number }

/** Each of the tokens is another caller. */
export async function openGenerator(wrk: string | undefined, folder: string, tokens: readonly string[]): Promise<Generator> {
  const tokensFile = join(folder, "tokens")
  await writeFile(tokensFile, `${tokens.join("\n")}\n`, { mode: 0o600 })
  const command = ({ url, paths, seconds, connections }: Target) => {
    if (!wrk)
      return [process.execPath, join(import.meta.dir, "fetch-generator.ts"), url, paths, tokensFile, String(seconds), String(connections)]
    const script = join(import.meta.dir, "wrk.lua")
    const bounds = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", `${TIMEOUT_SECONDS}s`]
    return [wrk, ...bounds, "-s", script, url, "--", paths, tokensFile]
  }
  return {
    name: wrk ? "wrk" : "Bun's own client, for wrk is absent: the highest rates are its own limit",
    load: async (target) => rateOf(await printedBy(command(target)), target),
  }
}

/** The paths in the form that {@link Generator} takes. */
export async function writePaths(folder: string, name: string, paths: readonly string[]): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, `${paths.join("\n")}\n`)
  return file
}

async function printedBy(command: string[]): Promise<Printed> {
  const child = Bun.spawn(command, { stdio: ["ignore", "pipe", "pipe"], timeout: GRACE_MS })
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  const line = out.split("\n").findLast((text) => text.startsWith("{"))
  if (code !== 0 || !line) throw new SetupError(`${command[0]} failed (code ${code}): ${(err || out).trim().slice(0, 400)}`)
  return JSON.parse(line) as Printed
}

function rateOf({ requests, microseconds, p50Us, p99Us, failed, status }: Printed, { url, refused = false }: Target): Load {
  const [wrong, what] = refused ? [requests - status, "refusal"] : [status, "success"]
  if (failed > 0 || wrong > 0) throw new Error(`${url}: ${failed} requests failed and ${wrong} of ${requests} answers were no ${what}`)
  return { perSecond: requests / (microseconds / 1e6), p50Ms: p50Us / 1000, p99Ms: p99Us / 1000 }
}
