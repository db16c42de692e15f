/** An API in a process of its own, which tells what memory it holds. Says its port. */
import { startApi } from "../../api/server.ts"
import { configOrExit } from "../../core/config.ts"
import { openLog } from "../../core/log.ts"
import { handleSignals } from "../../core/process.ts"
import { tellMemory } from "./memory.ts"

const config = configOrExit()
const log = openLog("api", config.logLevel)
const api = startApi(config, log)
await api.started
handleSignals({ log, stop: api.stop })
tellMemory()
process.send?.({ port: api.port })
