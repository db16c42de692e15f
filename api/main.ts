import { configOrExit, exitOver } from "../core/config.ts"
import { openLog } from "../core/log.ts"
import { handleSignals } from "../core/process.ts"
import { startApi } from "./server.ts"

const config = configOrExit()
const log = openLog("api", config.logLevel)
const api = startApi(config, log)
log.info({ port: api.port }, "api listening")
api.started.catch(exitOver)
handleSignals({ log, stop: api.stop })
