/**
 * What the parts of an answer cost our process, and what others would: in one process without HTTP, everything in turns with the
 * same searches. Started by the bench, which it tells what it found.
 */
import { Admission } from "../../../api/admission.ts"
import { createFastLane, type FastLane } from "../../../api/search/fast-lane.ts"
import { readNearQuery } from "../../../api/search/near-query.ts"
import { type Api, startApi } from "../../../api/server.ts"
import { queryReader } from "../../../api/validate.ts"
import { mintDevelopmentToken } from "../../../core/auth/development.ts"
import { createVerifier } from "../../../core/auth/firebase.ts"
import { CallWindows } from "../../../core/call-windows.ts"
import { type Config, readConfig } from "../../../core/config.ts"
import { openPool } from "../../../core/db.ts"
import { SearchQuery } from "../../../core/doctors/search/schema.ts"
import { type Log, openLog } from "../../../core/log.ts"
import { until } from "../../../tests/harness/services.ts"
import { BAD_PATHS, shownBadInput } from "./bad-input.ts"
import type { AnswerCostsOptions } from "./children.ts"
import { describeParts, measureParts, type Part, slowestPiece } from "./parts.ts"
import { ROUTE } from "./peers/question.ts"

const ORIGIN = "http://127.0.0.1:3000"
const READS_PER_MINUTE = 1_000_000
const INDEX_TIMEOUT_MS = 60_000
const TOKEN_SECONDS = 3600
/** A whole number of rounds of the bad input, so that each kind of it weighs alike. */
const TURN_PIECES = 9 * BAD_PATHS.length
/** Those of the mix that are asked, and the answers that are packed and hashed. */
const [ASKED, ANSWERS] = [2_000, 100]

const options = JSON.parse(process.argv[2] ?? "") as AnswerCostsOptions
const config: Config = readConfig({
  DATABASE_URL: options.databaseUrl,
  REDIS_HOST: options.redis.host,
  REDIS_PORT: String(options.redis.port),
  FIREBASE_PROJECT_ID: options.projectId,
  AUTH_DEV_TOKENS: "1",
  RATE_LIMIT: "1",
  RATE_LIMIT_READS_PER_MINUTE: String(READS_PER_MINUTE),
})
const api = startApi({ ...config, host: "127.0.0.1", port: 0 }, openLog("api", "silent"))
await until("the index is ready", () => api.searchIndex.state === "ready", INDEX_TIMEOUT_MS)
const token = mintDevelopmentToken({ projectId: options.projectId, uid: "bench", expiresInSeconds: TOKEN_SECONDS })
const paths = (await Bun.file(options.paths).text()).split("\n").filter(Boolean).slice(0, ASKED)

const pool = openPool(config.databaseUrl, { max: 1, name: "answer-costs" })
const verifier = createVerifier(config.auth)
await verifier.verify(token)
const lanes = { quiet: await laneOf(api, openLog("api", "silent")), noted: await laneOf(api, openLog("api", "info")) }
const parts = await partsOf(api, lanes)
const heading = `one process without HTTP, ${options.doctors.toLocaleString("en")} doctors`
const table = describeParts(heading, parts, await measureParts(parts, TURN_PIECES))
process.send?.(`${table}\n\n${await slowestBadInput(lanes.quiet)}`)
await pool.end()
await api.stop()
process.exit(0)

/** The lane as the server has it, with the log's lines or without, once it has learned its headers. */
async function laneOf({ app, searchIndex }: Api, log: Log): Promise<FastLane> {
  const lane = createFastLane({
    index: searchIndex,
    db: { pool, near: pool },
    admission: new Admission(1),
    verifier,
    reads: new CallWindows(READS_PER_MINUTE, 60),
    fetch: app.fetch,
    origins: config.corsOrigins,
    log,
    observe: undefined,
  })
  await until("the headers are learned", async () => (await lane(requestOf(BAD_PATHS[0] as string))) !== undefined)
  return lane
}

function requestOf(path: string): Request {
  return new Request(ORIGIN + path, { headers: { authorization: `Bearer ${token}` } })
}

/** The nth of a list that comes round. */
function nthOf<T>(list: readonly T[]): (nth: number) => T {
  return (nth) => list[nth % list.length] as T
}

/** A kind that is slow would hide in the mean of all. */
async function slowestBadInput(lane: FastLane): Promise<string> {
  const bad = BAD_PATHS.map(requestOf)
  const slowest = async (work: (request: Request) => unknown) => {
    const { nth, us, meanUs } = await slowestPiece((piece) => work(bad[piece] as Request), bad.length)
    return `\`${shownBadInput(nth)}\` takes ${us.toFixed(1)} µs, the mean of all ${meanUs.toFixed(1)}`
  }
  const [byLane, byRouter] = [await slowest(lane), await slowest((request) => api.app.fetch(request))]
  return `The slowest of the ${bad.length} kinds of bad input: refused by the lane, ${byLane}; by the router's route, ${byRouter}. Each is the least of 8 rounds.`
}

async function partsOf(api: Api, { quiet, noted }: { quiet: FastLane; noted: FastLane }): Promise<Part[]> {
  const [good, bad] = [nthOf(paths.map(requestOf)), nthOf(BAD_PATHS.map(requestOf))]
  const urls = nthOf(paths.map((path) => ORIGIN + path))
  const from = ORIGIN.length + ROUTE.length + 1
  const readAny = queryReader(SearchQuery)
  const queries = nthOf(paths.map((path) => required(readNearQuery(ORIGIN + path, from))))
  const texts = await Promise.all(
    paths.slice(0, ANSWERS).map(async (path) => new Uint8Array(await (await api.app.fetch(requestOf(path))).arrayBuffer())),
  )
  const answers = nthOf(texts)
  const headers = new Headers()
  const packed = (pack: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array) => `${kb(texts)} to ${kb(texts.map(pack))} kB`
  const gzip = (bytes: Uint8Array<ArrayBuffer>) => Bun.gzipSync(bytes, { level: 1 })
  const zstd = (bytes: Uint8Array<ArrayBuffer>) => Bun.zstdCompressSync(bytes, { level: 1 })
  const sha256 = (bytes: Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("base64url")
  return [
    { what: "a search answered by its lane", work: (nth) => quiet(good(nth)) },
    { what: "… with a line in the log", work: (nth) => noted(good(nth)) },
    { what: "… by the router's route", work: (nth) => api.app.fetch(good(nth)) },
    { what: "bad input refused by the lane", work: (nth) => quiet(bad(nth)) },
    { what: "… by the router's route", work: (nth) => api.app.fetch(bad(nth)) },
    { what: "the index alone, with the answer's JSON", work: (nth) => api.searchIndex.search(queries(nth)) },
    { what: "the query read by the lane's own reader", work: (nth) => readNearQuery(urls(nth), from) },
    { what: "… by the schema", work: (nth) => readAny(urls(nth)) },
    { what: `the answer by gzip, level 1 (${packed(gzip)})`, work: (nth) => gzip(answers(nth)) },
    { what: `… by zstd, level 1 (${packed(zstd)})`, work: (nth) => zstd(answers(nth)) },
    { what: "an `ETag` of it by SHA-256", work: (nth) => headers.set("ETag", `"${sha256(answers(nth))}"`) },
    { what: "… by Wyhash", work: (nth) => headers.set("ETag", `"${Bun.hash(answers(nth)).toString(36)}"`) },
  ]
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a search of the mix is no ordinary one")
  return value
}

/** How many thousand bytes at the mean. */
function kb(list: readonly Uint8Array[]): string {
  return (list.reduce((sum, { length }) => sum + length, 0) / list.length / 1000).toFixed(1)
}
