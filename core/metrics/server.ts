import { urlOf } from "../request-url.ts"
import type { Metrics } from "./metrics.ts"

export type MetricsServer = { port: number; stop: () => Promise<void> }

/** GET /metrics and nothing else, on a port of its own that no edge forwards to. */
export function serveMetrics(metrics: Metrics, { host, port }: { host: string; port: number }): MetricsServer {
  const server = Bun.serve({
    hostname: host,
    port,
    async fetch(request) {
      if (urlOf(request).pathname !== "/metrics") return new Response(null, { status: 404 })
      if (request.method !== "GET") return new Response(null, { status: 405, headers: { Allow: "GET" } })
      return new Response(await metrics.text(), { headers: { "Content-Type": metrics.registry.contentType } })
    },
    error: () => new Response(null, { status: 500 }),
  })
  return { port: server.port as number, stop: () => server.stop(true) }
}
