import { configOrExit, exitOver } from "../core/config.ts"
import { openLog } from "../core/log.ts"
import { handleSignals } from "../core/process.ts"
import { startRealtime } from "./server.ts"

const config = configOrExit()
const log = openLog("realtime", config.logLevel)
const realtime = startRealtime(config, log)
log.info({ port: realtime.port }, "realtime listening")
realtime.started.catch(exitOver)
handleSignals({ log, stop: realtime.stop })
