/** Our processes as they are deployed, for benchmarks that ask them from outside. */
import { freePort, until } from "../../tests/harness/services.ts"

const START_TIMEOUT_MS = 15_000
const STOP_TIMEOUT_MS = 5_000

export type RunningProcess = { pid: number; url: string; stop: () => Promise<void> }

export async function startProcess(name: "api" | "worker" | "realtime", environment: Record<string, string>): Promise<RunningProcess> {
  const port = await freePort()
  const child = Bun.spawn([process.execPath, `${name}/main.ts`], {
    env: { ...process.env, ...environment, HOST: "127.0.0.1", PORT: String(port) },
    stdio: ["ignore", "inherit", "inherit"],
  })
  const url = `http://127.0.0.1:${port}`
  const isReady = () =>
    fetch(`${url}/health/ready`).then(
      (r) => r.ok,
      () => false,
    )
  await until(`${name} is ready`, isReady, START_TIMEOUT_MS)
  return { pid: child.pid, url, stop: () => stopProcess(child) }
}

export async function stopProcess(child: Bun.Subprocess): Promise<void> {
  child.kill("SIGTERM")
  await Promise.race([child.exited, Bun.sleep(STOP_TIMEOUT_MS)])
  child.kill("SIGKILL")
}
