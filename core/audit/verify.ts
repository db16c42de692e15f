/** Goes through the whole audit log and says what was altered, removed or put in another order. Trusts no function of the database. */
import { createHash } from "node:crypto"
import type { Db } from "../db.ts"
import { type AuditHead, findHead, listCheckpoints, listSealed, listStrays, type SealedRow } from "./queries.ts"

const BATCH = 2_000
/** Enough to see what was done; a log that is wrong throughout need not be told row by row. */
const FINDINGS_MAX = 100
const DAY_MS = 86_400_000

/** Between a row's seal and the line that tells of it, on clocks that differ. */
const CLOCKS_MS = 3_600_000

/** A place in the log, its hash in hexadecimal, and when it was sealed, as kept outside the database. */
export type Anchor = { position: number; hash: string; at?: Date }

export type Verification = { floor: number; position: number; hash: string; rows: number; anchors: number; findings: string[] }

export type VerifyOptions = { anchors?: Anchor[]; retentionDays: number; now: number }

/** The hash of a row, by the definition in sql/0007_audit.sql. */
export function hashOf(before: Buffer, row: Pick<SealedRow, "position" | "sealedMicros" | "entry" | "patients" | "resources">): Buffer {
  const numbers = Buffer.alloc(16)
  numbers.writeBigInt64BE(BigInt(row.position), 0)
  numbers.writeBigInt64BE(BigInt(row.sealedMicros), 8)
  return createHash("sha256").update(before).update(numbers).update(`${row.entry}\n${row.patients}\n${row.resources}`).digest()
}

/** What is sealed meanwhile is left to the next time. No findings: all is as it was sealed. */
export async function verifyAudit(db: Db, { anchors = [], retentionDays, now }: VerifyOptions): Promise<Verification> {
  const head = await findHead(db)
  const findings: string[] = []
  const known = new Map<number, { hash: string; where: string }[]>()
  const expect = (position: number, hash: string, where: string) => known.set(position, [...(known.get(position) ?? []), { hash, where }])
  for (const { position, hash } of await listCheckpoints(db, head.floor)) expect(position, hash.toString("hex"), "checkpoint")
  for (const { position, hash } of anchors) expect(position, hash, "anchor")
  for (const [position, [first]] of [...known].sort(([a], [b]) => a - b))
    if (position > head.position)
      findings.push(`${removed(head.position + 1, position)}: the ${first?.where} at ${position} shows that they were sealed`)
  if (head.floorAt && head.floorAt.getTime() > now - retentionDays * DAY_MS)
    findings.push(
      `${removed(1, head.floor)}: rows are kept for ${retentionDays} days, and the last of these was sealed ${head.floorAt.toISOString()}`,
    )
  // What the database says of when they were sealed, its owner may have written.
  const young = anchors.findLast(
    ({ position, at }) => position <= head.floor && at && at.getTime() > now - retentionDays * DAY_MS + CLOCKS_MS,
  )
  if (young?.at)
    findings.push(
      `position ${young.position}: removed: rows are kept for ${retentionDays} days, and the anchor says it was sealed ${young.at.toISOString()}`,
    )
  const rows = await verifyChain(db, head, known, findings)
  for (const { position } of await listStrays(db, FINDINGS_MAX))
    findings.push(`position ${position}: stands in the list of a patient whom the log does not name there`)
  const checked = anchors.filter((a) => a.position > head.floor && a.position <= head.position).length
  const { floor, position, hash } = head
  return { floor, position, hash: hash.toString("hex"), rows, anchors: checked, findings: findings.slice(0, FINDINGS_MAX) }
}

type Known = Map<number, { hash: string; where: string }[]>

async function verifyChain(db: Db, head: AuditHead, known: Known, findings: string[]): Promise<number> {
  let [at, before, rows] = [head.floor, head.floorHash as Buffer | undefined, 0]
  for (;;) {
    const batch = await listSealed(db, at, BATCH)
    for (const row of batch) {
      if (row.position > head.position) break
      if (row.position > at + 1) findings.push(removed(at + 1, row.position - 1))
      // After a gap there is nothing to follow from: the row is held against the one after it.
      if (row.position > at + 1) before = undefined
      findings.push(...verifyRow(row, before, known.get(row.position) ?? []))
      at = row.position
      before = row.hash
      rows++
    }
    if (batch.length < BATCH || at >= head.position || findings.length >= FINDINGS_MAX) break
  }
  if (findings.length >= FINDINGS_MAX) return rows
  if (at < head.position) findings.push(removed(at + 1, head.position))
  else if (before && !before.equals(head.hash)) findings.push(`position ${at}: is not what was sealed last`)
  return rows
}

function verifyRow(row: SealedRow, before: Buffer | undefined, known: { hash: string; where: string }[]): string[] {
  const findings: string[] = []
  if (before && !hashOf(before, row).equals(row.hash))
    findings.push(`position ${row.position}: altered, or what stood before it was (it does not follow from position ${row.position - 1})`)
  for (const { hash, where } of known)
    if (hash !== row.hash.toString("hex")) findings.push(`position ${row.position}: is not what the ${where} says: the log was rewritten`)
  if (row.subjects !== row.patients) findings.push(`position ${row.position}: is missing in the list of a patient it is about`)
  return findings
}

function removed(from: number, to: number): string {
  return from === to ? `position ${from}: removed` : `positions ${from} to ${to}: removed`
}
