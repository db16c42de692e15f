import { configOrExit } from "../core/config.ts"
import { openLog } from "../core/log.ts"
import { handleSignals } from "../core/process.ts"
import { startApi } from "./server.ts"

const config = configOrExit()
const log = openLog("api", config.logLevel)
const api = startApi(config, log)
log.info({ port: api.port }, "api listening")
handleSignals({ log, stop: api.stop })
