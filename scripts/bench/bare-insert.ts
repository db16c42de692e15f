/** What booking is held against, a process of its own: a route that inserts a row, and nothing else. */
import { Hono } from "hono"
import { readConfig } from "../../core/config.ts"
import { openPool } from "../../core/db.ts"

const { databaseUrl, databasePool } = readConfig(process.env)
const pool = openPool(databaseUrl, { max: databasePool, name: "bare" })
const app = new Hono().post("/bare", async (c) => {
  const { doctorId, scheduledAt, reason } = await c.req.json()
  const [row] = await pool`
    insert into bare_rows (id, doctor_id, scheduled_at, reason) values (${Bun.randomUUIDv7()}, ${doctorId}, ${scheduledAt}, ${reason}) returning *`
  return c.json(row, 201)
})
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: app.fetch })
process.send?.(`http://127.0.0.1:${server.port}/bare`)
