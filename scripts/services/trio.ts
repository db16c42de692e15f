/** The three processes behind one public port: `api` owns it and forwards sockets to `realtime`. */
import type { RedisConfig } from "../../core/config.ts"
import { findFreePort } from "./ports.ts"
import type { ProcessSpec } from "./processes.ts"

export type TrioOptions = {
  port: number
  /** What the public port listens on. */
  host?: string
  /** The command that runs one of them. */
  command: (name: "api" | "worker" | "realtime") => string[]
  /** What all three get besides our own environment. */
  environment: Record<string, string | undefined>
  /** The first of three consecutive ports, of api, worker and realtime; 0: any; undefined: nothing is measured. */
  metricsPort: number | undefined
}

export type Trio = { specs: ProcessSpec[]; health: Record<string, string> }

export async function planTrio({ port, host, command, environment, metricsPort }: TrioOptions): Promise<Trio> {
  // A process that listens on one address only answers there.
  const apiHost = !host || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host
  const [realtime, worker] = [await findFreePort(), await findFreePort()]
  // What is not the public port is for this machine alone.
  const inner = (innerPort: number) => ({ ...environment, HOST: "127.0.0.1", PORT: String(innerPort) })
  // Processes on one machine cannot share a port.
  const metrics = (index: number) => ({ METRICS_PORT: metricsPort ? String(metricsPort + index) : metricsPort === 0 ? "0" : "" })
  return {
    specs: [
      // Only `api` reaches it, and says where each socket comes from.
      { name: "realtime", command: command("realtime"), environment: { ...inner(realtime), ...metrics(2), TRUSTED_PROXIES: "127.0.0.1" } },
      { name: "worker", command: command("worker"), environment: { ...inner(worker), ...metrics(1) } },
      {
        name: "api",
        command: command("api"),
        environment: { ...environment, ...metrics(0), PORT: String(port), REALTIME_URL: `http://127.0.0.1:${realtime}` },
      },
    ],
    health: {
      api: `http://${apiHost}:${port}/health/ready`,
      worker: `http://127.0.0.1:${worker}/health/ready`,
      realtime: `http://127.0.0.1:${realtime}/health/ready`,
    },
  }
}

/** The environment that names a Redis; what the outer one says of another server must not leak in. */
export function redisEnvironment(redis: RedisConfig): Record<string, string | undefined> {
  return {
    REDIS_HOST: redis.host,
    REDIS_PORT: String(redis.port),
    REDIS_USERNAME: redis.username ?? "",
    REDIS_PASSWORD: redis.password ?? "",
    REDIS_TLS: redis.tls ? "1" : "0",
  }
}
