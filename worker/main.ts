import { configOrExit, exitOver } from "../core/config.ts"
import { openLog } from "../core/log.ts"
import { handleSignals } from "../core/process.ts"
import { startWorker } from "./server.ts"

const config = configOrExit()
const log = openLog("worker", config.logLevel)
const worker = startWorker(config, log)
log.info({ port: worker.port }, "worker listening for health checks")
worker.working.catch(exitOver)
handleSignals({ log, stop: worker.stop })
