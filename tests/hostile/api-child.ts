/** An API in a process of its own, which tells what memory it holds. Says its port, and answers every message with bytes. */
import { heapStats } from "bun:jsc"
import { startApi } from "../../api/server.ts"
import { configOrExit } from "../../core/config.ts"
import { openLog } from "../../core/log.ts"
import { handleSignals } from "../../core/process.ts"

const config = configOrExit()
const log = openLog("api", config.logLevel)
const api = startApi(config, log)
await api.started
handleSignals({ log, stop: api.stop })
process.on("message", () => {
  Bun.gc(true)
  process.send?.({ heapBytes: heapStats().heapSize, residentBytes: process.memoryUsage.rss() })
})
process.send?.({ port: api.port })
