/**
 * `bun run audit verify [--anchors FILE]`: goes through the audit log of DATABASE_URL and names what was altered, added, removed or put in
 * another order; exit code 1 if anything was. It says how many entries wait to be sealed, and since when: exit code 2 if the oldest waits
 * for longer than a minute, for then no worker seals, and if they cannot be sealed. FILE holds lines of the worker's log, of which the
 * checkpoints are read, or what `bun run audit head` printed. Kept elsewhere, they show what whoever owns the database could otherwise hide.
 */
import { parseArgs } from "node:util"
import { readAnchors } from "../core/audit/anchors.ts"
import { findHead, findSealedAt } from "../core/audit/queries.ts"
import { type Backlog, findUnsealed, READ_ONLY, UNSEALED_COUNTED_MAX, UNSEALED_MAX_AGE_MS } from "../core/audit/unsealed.ts"
import { verifyAudit } from "../core/audit/verify.ts"
import { readConfig } from "../core/config.ts"
import { openPool, type Pool } from "../core/db.ts"
import { requireDatabase } from "./services/database.ts"
import { runCommand, SetupError } from "./services/say.ts"

const USAGE = `use: bun run audit verify [--anchors FILE], or bun run audit head
verify: exit code 1 if the log is not as it was sealed; 2 if it is, but an entry has waited for more than ${UNSEALED_MAX_AGE_MS / 1000} s to be sealed, or cannot be`
const UNSEALED_EXIT_CODE = 2
/** One batch of a log that nobody has read for long. */
const STATEMENT_TIMEOUT_MS = 600_000

async function verify(pool: Pool, file: string | undefined, retentionDays: number): Promise<void> {
  const anchors = file === undefined ? [] : readAnchors(await Bun.file(file).text())
  if (file !== undefined && anchors.length === 0) throw new SetupError(`${file} holds no checkpoint of an audit log`)
  const { findings, rows, floor, position, anchors: checked } = await verifyAudit(pool, { anchors, retentionDays, now: Date.now() })
  for (const finding of findings) console.log(finding)
  const unsealed = await findUnsealed(pool)
  const range = `${rows} entries, positions ${floor + 1} to ${position}`
  const backlog = unsealed && backlogOf(unsealed)
  if (findings.length > 0 && backlog) console.log(backlog)
  if (findings.length > 0) throw new SetupError(`the audit log is not as it was sealed: ${findings.length} findings in ${range}`)
  console.log(`${range}: as they were sealed${file === undefined ? "" : `, and as ${checked} of ${anchors.length} anchors say`}`)
  if (backlog) console.log(backlog)
  const overdue = overdueOf(unsealed)
  if (!overdue) return
  console.error(overdue)
  process.exitCode = UNSEALED_EXIT_CODE
}

function backlogOf(unsealed: Backlog): string {
  if (unsealed === READ_ONLY) return "what waits to be sealed cannot be told on a server that only reads"
  if ("refusal" in unsealed) return `what waits cannot be sealed: ${unsealed.refusal}`
  const { waiting, since } = unsealed
  if (waiting === 0) return "no entry waits to be sealed"
  const count = waiting < UNSEALED_COUNTED_MAX ? String(waiting) : `${UNSEALED_COUNTED_MAX} or more`
  return `waiting to be sealed: ${count}, the oldest since ${since?.toISOString() ?? "it is not known when"}`
}

/** What is wrong with the sealing; undefined: nothing. */
function overdueOf(unsealed: Backlog | undefined): string | undefined {
  if (!unsealed) return "the audit log is as it was sealed, but somebody has begun to seal more of it and does not end"
  if (unsealed === READ_ONLY) return undefined
  if ("refusal" in unsealed) return "the audit log is as it was sealed, but what came after cannot be sealed"
  if (unsealed.waiting === 0) return undefined
  // An entry without a time is none that a process has written.
  const ageMs = Date.now() - (unsealed.since?.getTime() ?? 0)
  if (ageMs <= UNSEALED_MAX_AGE_MS) return undefined
  return `the audit log is as it was sealed, but what came after is not being sealed: the oldest has waited for more than ${UNSEALED_MAX_AGE_MS / 1000} s; is a worker running?`
}

async function head(pool: Pool): Promise<void> {
  const { position, hash } = await findHead(pool)
  const time = (await findSealedAt(pool, position))?.toISOString()
  console.log(JSON.stringify({ auditPosition: position, auditHash: hash.toString("hex"), time }))
}

await runCommand(async () => {
  const { positionals, values } = parse()
  const config = readConfig({ ...process.env, REDIS_HOST: "unused", FIREBASE_PROJECT_ID: "unused" })
  await requireDatabase(config.databaseUrl)
  const pool = openPool(config.databaseUrl, { max: 1, name: "audit", statementTimeoutMs: STATEMENT_TIMEOUT_MS })
  try {
    if (positionals[0] === "head") await head(pool)
    else await verify(pool, values.anchors, config.auditRetentionDays)
  } finally {
    await pool.end({ timeout: 1 })
  }
})

function parse() {
  try {
    const parsed = parseArgs({ args: process.argv.slice(2), options: { anchors: { type: "string" } }, allowPositionals: true })
    if (parsed.positionals.length !== 1 || !["verify", "head"].includes(parsed.positionals[0] as string)) throw new SetupError(USAGE)
    return parsed
  } catch (error) {
    throw new SetupError(error instanceof SetupError ? error.message : `${(error as Error).message.split(". ")[0]}; ${USAGE}`)
  }
}
