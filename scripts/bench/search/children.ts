/** Parts that need a process of their own: nothing else may lie in its memory or run beside it. What they found comes as Markdown. */
import { join } from "node:path"
import type { RedisConfig } from "../../../core/config.ts"
import { SetupError } from "../../services/say.ts"
import type { World } from "./worlds.ts"

/** A million doctors take a minute, half of it in both indexes and half for the kinds of searches. */
const TIMEOUT_MS = 600_000
/** Stdout is the table's alone. */
const STDERR = 2

/** The index beside kdbush, without a server. One size after the other, each as a server has it: the only index of its process. */
export async function measureIndexAlone(sizes: readonly number[], ...options: string[]): Promise<string> {
  const texts: string[] = []
  for (const size of sizes) {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "index-only.ts"), ...options, String(size)], {
      stdio: ["ignore", "pipe", STDERR],
      timeout: TIMEOUT_MS,
    })
    const [text, code] = await Promise.all([child.stdout.text(), child.exited])
    if (code !== 0) throw new SetupError(`the index alone could not be measured (code ${code})`)
    texts.push(text.trim())
  }
  return texts.join("\n\n")
}

export type AnswerCostsOptions = { databaseUrl: string; redis: RedisConfig; projectId: string; doctors: number; paths: string }

/** What the parts of an answer cost our process. It writes a line a request while that is measured, to nowhere. */
export async function measureAnswerCosts(world: World, rest: Pick<AnswerCostsOptions, "redis" | "projectId" | "paths">): Promise<string> {
  const options: AnswerCostsOptions = { databaseUrl: world.url, doctors: world.doctors, ...rest }
  const found = Promise.withResolvers<string>()
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "answer-costs.ts"), JSON.stringify(options)], {
    stdio: ["ignore", "ignore", STDERR],
    timeout: TIMEOUT_MS,
    ipc: (message) => found.resolve(message as string),
    onExit: (_, code) => found.reject(new SetupError(`the parts of an answer could not be measured (code ${code})`)),
  })
  const text = await found.promise
  await child.exited
  return text
}
