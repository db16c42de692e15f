import { afterAll, beforeAll, expect, test } from "bun:test"
import { Redis } from "ioredis"
import { SearchQuery } from "../../../../core/doctors/search/schema.ts"
import { searchDoctors } from "../../../../core/doctors/search/search.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis } from "../../../../tests/harness/services.ts"
import { seedDemo } from "../../../demo/seed.ts"
import { faultOf } from "../agreement.ts"
import { loadColumns } from "../columns.ts"
import { choose, type Questions } from "../questions.ts"
import { haversine } from "./haversine.ts"
import { kdbush } from "./kdbush.ts"
import { answerOf } from "./listing.ts"
import type { Peer } from "./peer.ts"
import { pathOf } from "./question.ts"
import { redisGeo } from "./redis-geo.ts"

/** Redis keeps places to half a metre. */
const REDIS_SLACK_KM = 0.0025
const SLACK_KM = 0.00001
/** The first searches around a place also find its cells, up to a country's. */
const TIMEOUT_MS = 60_000

let db: TestDatabase
let redisServer: TestRedis
let questions: Questions

beforeAll(async () => {
  db = await testDatabase()
  redisServer = await testRedis()
  await seedDemo(db.pool, { doctors: 3_000 })
  questions = choose(await loadColumns(db.pool), { mix: 60, places: 4 })
})

afterAll(async () => {
  await db[Symbol.asyncDispose]()
  await redisServer[Symbol.asyncDispose]()
})

async function agree(peer: Peer, slackKm: number, counts = false): Promise<void> {
  for (const asked of [...questions.mix, ...questions.byRadius.flatMap((r) => r.asked)]) {
    const answer = await peer.answer(asked.question)
    expect(faultOf(typeof answer === "string" ? JSON.parse(answer) : answer, asked, { slackKm, counts })).toBeUndefined()
  }
}

test(
  "PulseCal finds exactly the doctors that were looked for, and says how many there are",
  async () => {
    const answer: Peer["answer"] = (question) => {
      const query = new URL(pathOf(question), "http://localhost").searchParams
      return searchDoctors(db.pool, SearchQuery.parse(Object.fromEntries(query)))
    }
    await agree({ loadSeconds: undefined, answer }, 0, true)
  },
  TIMEOUT_MS,
)

test("Haversine over the whole table finds the same doctors", async () => {
  await agree(haversine(db.pool), SLACK_KM)
})

test("kdbush finds the same doctors", async () => {
  await agree(await kdbush(db.pool), SLACK_KM)
})

test("Redis finds the same doctors", async () => {
  const redis = new Redis({ host: redisServer.config.host, port: redisServer.config.port, enableAutoPipelining: true })
  await agree(await redisGeo(db.pool, redis), REDIS_SLACK_KM)
  redis.disconnect()
})

test("a total that was counted is exact up to 1,000, as ours is", () => {
  expect(answerOf([], 1_000)).toMatchObject({ total: 1_000, totalIsExact: true })
  expect(answerOf([], 1_001)).toMatchObject({ total: 1_000, totalIsExact: false })
})
