/** The process itself: event loop, memory, processor. Of its garbage collections Bun's engine tells nothing. */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { Counter, Gauge } from "prom-client"
import type { Metrics } from "./metrics.ts"

/** How often the loop is looked at. Finer would cost more and say no more about people who wait. */
const RESOLUTION_MS = 20
const NANOSECONDS = 1e9
const MICROSECONDS = 1e6

/** Returns a function that ends the measuring. */
export function measureRuntime(metrics: Metrics): () => void {
  measureMemory(metrics)
  measureProcessor(metrics)
  return measureEventLoop(metrics)
}

const DELAYS = ["min", "mean", "max", "p50", "p90", "p99"] as const

/** How much later than it should the loop comes to its timers, each time since the scrape before. */
function measureEventLoop(metrics: Metrics): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const values = () => [delay.min, delay.mean, delay.max, delay.percentile(50), delay.percentile(90), delay.percentile(99)]
  const gauges = DELAYS.map(
    (which) =>
      new Gauge({
        name: `nodejs_eventloop_delay_${which}_seconds`,
        help: `Event loop delay since the last scrape, ${which}`,
        registers: [metrics.registry],
      }),
  )
  const forget = () => {
    for (const gauge of gauges) gauge.remove()
  }
  metrics.onScrape({
    read() {
      // Between two scrapes in one moment nothing was looked at.
      if (delay.max === 0) return forget()
      for (const [i, value] of values().entries()) gauges[i]?.set(value / NANOSECONDS)
      delay.reset()
    },
    forget,
  })
  return () => void delay.disable()
}

function measureMemory(metrics: Metrics): void {
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [metrics.registry] })
  const resident = gauge("process_memory_usage_bytes", "Physical memory in use")
  const heapUsed = gauge("pulsecal_process_heap_used_bytes", "JavaScript heap in use")
  const heapTotal = gauge("pulsecal_process_heap_size_bytes", "JavaScript heap reserved")
  const uptime = gauge("process_uptime_seconds", "How long the process has run")
  metrics.onScrape({
    read() {
      const usage = process.memoryUsage()
      resident.set(usage.rss)
      heapUsed.set(usage.heapUsed)
      heapTotal.set(usage.heapTotal)
      uptime.set(process.uptime())
    },
    forget() {},
  })
}

function measureProcessor(metrics: Metrics): void {
  const time = new Counter({
    name: "process_cpu_time_seconds_total",
    help: "Processor time used",
    labelNames: ["cpu_mode"],
    registers: [metrics.registry],
  })
  let before = { user: 0, system: 0 }
  metrics.onScrape({
    read() {
      const now = process.cpuUsage()
      time.inc({ cpu_mode: "user" }, Math.max(0, now.user - before.user) / MICROSECONDS)
      time.inc({ cpu_mode: "system" }, Math.max(0, now.system - before.system) / MICROSECONDS)
      before = now
    },
    forget() {},
  })
}
