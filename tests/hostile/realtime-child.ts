/** As the API's, a realtime process, which misses clients sooner than one that is deployed. */
import { configOrExit } from "../../core/config.ts"
import { openLog } from "../../core/log.ts"
import { handleSignals } from "../../core/process.ts"
import { startRealtime } from "../../realtime/server.ts"
import { tellMemory } from "./memory.ts"

const config = configOrExit()
const log = openLog("realtime", config.logLevel)
const realtime = startRealtime(config, log, { pingIntervalMs: 2_000, pingTimeoutMs: 4_000 })
await realtime.started
handleSignals({ log, stop: realtime.stop })
tellMemory()
process.send?.({ port: realtime.port })
