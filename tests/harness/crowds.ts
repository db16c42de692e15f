/** Opens a crowd of clients (`crowd.ts`), and tells it what to do. */
import type { CrowdCommand, CrowdDiary, CrowdMember } from "./crowd.ts"

/** Polls that wait at the same time, and room for what they send; Bun's own bound is 256. */
const REQUESTS_MAX = 4_096
const SAY_TIMEOUT_MS = 10_000

export type Crowd = AsyncDisposable & {
  /**
   * Connects all at once. What each has heard by the time when the last is caught up, in the members' order; with `standstillMs`, by
   * when they have asked for it and then read nothing for so long.
   */
  come: (url: string, members: CrowdMember[], options: { timeoutMs: number; standstillMs?: number }) => Promise<CrowdDiary[]>
  /** What each has heard by now. */
  say: () => Promise<CrowdDiary[]>
  leave: () => void
}

export function openCrowd(): Crowd {
  let answer = Promise.withResolvers<CrowdDiary[]>()
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/crowd.ts`], {
    ipc: (diaries: CrowdDiary[]) => answer.resolve(diaries),
    env: { PATH: process.env.PATH ?? "", BUN_CONFIG_MAX_HTTP_REQUESTS: String(REQUESTS_MAX) },
    stdio: ["ignore", "inherit", "inherit"],
  })
  const tell = (command: CrowdCommand) => child.send(command)
  const ask = async (command: CrowdCommand, timeoutMs = SAY_TIMEOUT_MS): Promise<CrowdDiary[]> => {
    answer = Promise.withResolvers()
    tell(command)
    const timer = setTimeout(() => answer.reject(new Error(`not within ${timeoutMs} ms: the crowd's answer`)), timeoutMs)
    return await answer.promise.finally(() => clearTimeout(timer))
  }
  return {
    come: (url, members, { timeoutMs, standstillMs = 0 }) => ask({ come: { url, members, standstillMs } }, timeoutMs),
    say: () => ask({ say: true }),
    leave: () => tell({ leave: true }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}
