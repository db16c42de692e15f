/**
 * Goes through the whole audit log and says what was altered, added, removed or put in another order. Trusts no function of the database.
 * It reads in many short transactions, each of which sees one state of the log: a single one would keep old partitions from being dropped,
 * and what is deleted anywhere from being cleared away, for as long as millions of rows take, and a standby would break it off. That is
 * sound, for rows that are sealed never change; what does, the head, the floor and the checkpoints, is compared within one transaction.
 */
import type { Pool } from "../db.ts"
import { type Anchor, FINDINGS_MAX, followChain, NO_HEAD, places, removed } from "./chain.ts"
import { type AuditHead, type Checkpoint, listCheckpointsAfter, listHeads, listOutside, type Range, readAuditAtOnce } from "./queries.ts"

const DAY_MS = 86_400_000

/** Between a row's seal and the line that tells of it, on clocks that differ. */
const CLOCKS_MS = 3_600_000

export type Verification = { floor: number; position: number; hash: string; rows: number; anchors: number; findings: string[] }

export type VerifyOptions = { anchors?: Anchor[]; retentionDays: number; now: number }

/** What is sealed meanwhile is left to the next time. No findings: all is as it was sealed. */
export async function verifyAudit(pool: Pool, { anchors = [], retentionDays, now }: VerifyOptions): Promise<Verification> {
  const kept = { retentionDays, now }
  const { heads, head, checkpoints, outside } = await readState(pool)
  const { floor, ...chain } = await followChain(pool, head, anchors)
  const findings = [
    ...(heads === 1 ? [] : [`the head of the log: ${heads === 0 ? "removed" : "added: there is more than one"}`]),
    ...findCutOff(head, checkpoints, anchors),
    ...findDropped(head, anchors, kept),
    // Some may have been dropped while this went on.
    ...findDropped(floor, anchors, kept),
    ...chain.findings,
    ...outside.map(({ from, to }) => `${places(from, to)}: added: it is no part of the chain`),
  ]
  return {
    floor: floor.floor,
    position: head.position,
    hash: head.hash.toString("hex"),
    rows: chain.rows,
    anchors: chain.anchors,
    findings: [...new Set(findings)].slice(0, FINDINGS_MAX),
  }
}

type State = { heads: number; head: AuditHead; checkpoints: Checkpoint[]; outside: Range[] }

async function readState(pool: Pool): Promise<State> {
  return await readAuditAtOnce(pool, async (tx) => {
    const heads = await listHeads(tx)
    const head = heads[0] ?? NO_HEAD
    const checkpoints = await listCheckpointsAfter(tx, head.position, FINDINGS_MAX)
    return { heads: heads.length, head, checkpoints, outside: await listOutside(tx, head, FINDINGS_MAX) }
  })
}

/** What is known to have been sealed after what is now the last. */
function findCutOff({ position: last }: AuditHead, checkpoints: Checkpoint[], anchors: Anchor[]): string[] {
  const known = new Map(anchors.filter((a) => a.position > last).map((a) => [a.position, "anchor"]))
  for (const { position } of checkpoints) known.set(position, "checkpoint")
  return [...known]
    .sort(([a], [b]) => a - b)
    .map(([position, where]) => `${removed(last + 1, position)}: the ${where} at ${position} shows that they were sealed`)
}

/** What is gone from the beginning, if it cannot have been dropped for its age. */
function findDropped(
  { floor, floorAt }: AuditHead,
  anchors: Anchor[],
  { retentionDays, now }: Pick<VerifyOptions, "retentionDays" | "now">,
): string[] {
  const findings: string[] = []
  const keptSince = now - retentionDays * DAY_MS
  const droppedAt = floorAt?.getTime() ?? Number.NaN
  const known = Number.isNaN(droppedAt) ? "when they were sealed is not said" : `the last of these was sealed ${floorAt?.toISOString()}`
  // What is no time is not before any.
  if (floor > 0 && !(droppedAt <= keptSince)) findings.push(`${removed(1, floor)}: rows are kept for ${retentionDays} days, and ${known}`)
  // What the database says of when they were sealed, its owner may have written.
  const young = anchors.findLast(({ position, at }) => position <= floor && at && at.getTime() > keptSince + CLOCKS_MS)
  if (young?.at)
    findings.push(
      `position ${young.position}: removed: rows are kept for ${retentionDays} days, and the anchor says it was sealed ${young.at.toISOString()}`,
    )
  return findings
}
