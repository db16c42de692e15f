/** A peer as a process of its own: Hono on Bun, one route, no token, no validation, no limits. One of the ceilings does without Hono. */
import { Hono } from "hono"
import { Redis } from "ioredis"
import { openPool, type Pool } from "../../../../core/db.ts"
import { type ContenderName, isStatic, type StaticName } from "../contenders.ts"
import { haversine } from "./haversine.ts"
import { kdbush } from "./kdbush.ts"
import { joinedAnswer, LISTED, type Listed, openText, withDistance } from "./listing.ts"
import type { Peer } from "./peer.ts"
import { postgis } from "./postgis.ts"
import { LIMIT, questionOf, ROUTE } from "./question.ts"
import { redisGeo } from "./redis-geo.ts"

export type PeerName = Exclude<ContenderName, "ours" | "ours-sql">
export type PeerReady = { url: string; loadSeconds: number | undefined }

const JSON_HEADERS = { "content-type": "application/json" }

/** As many as the API has. */
const POOL = 20

/** The bytes of one answer, always the same. */
async function staticAnswer(pool: Pool): Promise<Uint8Array<ArrayBuffer>> {
  const doctors = await pool.unsafe<Listed[]>(`select ${LISTED} from doctors where active order by id limit ${LIMIT}`)
  return new TextEncoder().encode(joinedAnswer(doctors.map((doctor, index) => withDistance(openText(doctor), index / 8))))
}

async function open(name: Exclude<PeerName, StaticName>, pool: Pool, redisPort: number): Promise<Peer> {
  switch (name) {
    case "kdbush":
      return await kdbush(pool)
    case "redis":
      return await redisGeo(pool, new Redis({ host: "127.0.0.1", port: redisPort, enableAutoPipelining: true }))
    case "postgis":
      return await postgis(pool, "by_geog", false)
    case "postgis-total":
      return await postgis(pool, "by_geog", true)
    case "postgis-both":
      return await postgis(pool, "by_both", false)
    case "postgis-both-total":
      return await postgis(pool, "by_both", true)
    case "postgis-as-came-total":
      return await postgis(pool, "by_geog_as_came", true)
    case "postgis-both-as-came-total":
      return await postgis(pool, "by_both_as_came", true)
    case "haversine":
      return haversine(pool)
    default:
      return name satisfies never
  }
}

const [name, databaseUrl = "", redisPort] = process.argv.slice(2) as [PeerName, string, string]
const pool = openPool(databaseUrl, { max: POOL, name: "peer", statementTimeoutMs: 0 })
const app = new Hono()
let handle: (request: Request) => Response | Promise<Response> = app.fetch
let loadSeconds: number | undefined
if (isStatic(name)) {
  const bytes = await staticAnswer(pool)
  if (name === "static-bare") handle = () => new Response(bytes, { headers: JSON_HEADERS })
  else app.get(ROUTE, (c) => c.body(bytes, 200, JSON_HEADERS))
} else {
  const peer = await open(name, pool, Number(redisPort))
  loadSeconds = peer.loadSeconds
  app.get(ROUTE, async (c) => {
    const answer = await peer.answer(questionOf(c.req.query()))
    return typeof answer === "string" ? c.body(answer, 200, JSON_HEADERS) : c.json(answer)
  })
}
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 255, development: false, fetch: handle })
// The bench has ended, in whatever way.
process.on("disconnect", () => process.exit())
process.send?.({ url: `http://127.0.0.1:${server.port}`, loadSeconds } satisfies PeerReady)
