/** Callers in a process of their own: what they cost is not taken from the process that serves, nor its clock from theirs. */
import { RawCalls } from "./harness/raw-calls.ts"
import { type Flooded, type Measures, measuresOf, outcomeOf } from "./overload-measure.ts"

type Command = { of: Callers } | { sustainable: number } | { flood: number }
type Callers = { port: number; token: string; path: string; patienceMs: number }

export async function openCallers(callers: Callers): Promise<Measures & AsyncDisposable> {
  let answer = Promise.withResolvers<unknown>()
  const child = Bun.spawn([process.execPath, import.meta.path], {
    ipc: (message) => answer.resolve(message),
    env: { PATH: process.env.PATH ?? "" },
    stdio: ["ignore", "inherit", "inherit"],
  })
  const ask = async <T>(command: Command) => {
    answer = Promise.withResolvers()
    child.send(command)
    return (await answer.promise) as T
  }
  await ask({ of: callers })
  return {
    sustainable: (served) => ask<number>({ sustainable: served }),
    flood: (rate) => ask<Flooded>({ flood: rate }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}

function measures({ port, token, path, patienceMs }: Callers): Measures {
  const calls = new RawCalls(port, { authorization: `Bearer ${token}` })
  return measuresOf(async () => outcomeOf(await calls.get(path, patienceMs)))
}

if (import.meta.main) {
  let own: Measures | undefined
  const obey = async (command: Command) => {
    if ("of" in command) own = measures(command.of)
    if ("sustainable" in command) return await own?.sustainable(command.sustainable)
    if ("flood" in command) return await own?.flood(command.flood)
    return "ready"
  }
  process.on("message", async (command: Command) => process.send?.(await obey(command)))
  process.on("disconnect", () => process.exit(0))
}
