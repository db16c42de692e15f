/** One process of ours, as it is deployed, with its private metrics. */
import { freePort, until } from "./services.ts"

const START_TIMEOUT_MS = 20_000

export type OneProcess = AsyncDisposable & { url: string; metricsPort: number; pid: number }

export async function startProcess(name: "api" | "worker" | "realtime", settings: Record<string, string>): Promise<OneProcess> {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/../../${name}/main.ts`], {
    // Over this channel it notices when the test is gone, and goes too.
    ipc: () => {},
    env: { PATH: process.env.PATH ?? "", ...settings, HOST: "127.0.0.1", PORT: String(port), METRICS_PORT: String(metricsPort) },
    stdio: ["ignore", "inherit", "inherit"],
  })
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(`${url}/health/ready`).then(
      (r) => r.ok,
      () => false,
    )
  await until(`${name} is ready`, answers, START_TIMEOUT_MS)
  return {
    url,
    metricsPort,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}
