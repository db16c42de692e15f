/** The server of the booking benchmark, a process of its own: the API as it is, with one more route that only inserts a row. */
import { startApi } from "../../api/server.ts"
import { readConfig } from "../../core/config.ts"
import { openPool } from "../../core/db.ts"
import { openLog } from "../../core/log.ts"

const config = readConfig(process.env)
const api = startApi({ ...config, host: "127.0.0.1" }, openLog("api", config.logLevel))
const pool = openPool(config.databaseUrl, { max: config.databasePool, name: "bare" })
api.app.post("/bare", async (c) => {
  const { doctorId, scheduledAt, reason } = await c.req.json()
  const [row] = await pool`
    insert into bare_rows (id, doctor_id, scheduled_at, reason) values (${Bun.randomUUIDv7()}, ${doctorId}, ${scheduledAt}, ${reason}) returning *`
  return c.json(row, 201)
})
while (api.health.phase !== "ready") await Bun.sleep(10)
process.send?.({ api: api.url, bare: `${api.url}/bare` })
