/** Follows the chain of the audit log from its floor to its head, a batch at a time, with arithmetic of its own. */
import { createHash } from "node:crypto"
import type { Pool } from "../db.ts"
import {
  type AuditHead,
  type Checkpoint,
  listCheckpoints,
  listHeads,
  listSealed,
  listStrays,
  readAuditAtOnce,
  type SealedRow,
} from "./queries.ts"

const BATCH = 2_000
/** Positions at which patients' lists are looked through at once, a second of work: who drops a partition tries for longer. */
const LISTS_BATCH = 200_000
/** Enough to see what was done; a log that is wrong throughout need not be told row by row. */
export const FINDINGS_MAX = 100

/** A place in the log, its hash in hexadecimal, and when it was sealed, as kept outside the database. */
export type Anchor = { position: number; hash: string; at?: Date }

/** The hash of a row, by the definition in sql/0007_audit.sql. */
export function hashOf(before: Buffer, row: Pick<SealedRow, "position" | "sealedMicros" | "entry" | "patients" | "resources">): Buffer {
  const numbers = Buffer.alloc(16)
  numbers.writeBigInt64BE(BigInt(row.position), 0)
  numbers.writeBigInt64BE(BigInt(row.sealedMicros), 8)
  return createHash("sha256").update(before).update(numbers).update(`${row.entry}\n${row.patients}\n${row.resources}`).digest()
}

/** Of a log that has lost its head: nothing in it was sealed. */
export const NO_HEAD: AuditHead = { position: 0, hash: Buffer.alloc(32), floor: 0, floorHash: Buffer.alloc(32), floorAt: null }

/** What was read at one time: the log's head as it was then, and what comes after `after`. */
type Batch = { head: AuditHead; after: number; rows: SealedRow[]; checkpoints: Checkpoint[] }

async function readBatch(pool: Pool, at: number): Promise<Batch> {
  return await readAuditAtOnce(pool, async (tx) => {
    const head = (await listHeads(tx))[0] ?? NO_HEAD
    const after = Math.max(at, head.floor)
    const rows = await listSealed(tx, after, BATCH)
    const last = rows.at(-1)
    return { head, after, rows, checkpoints: last ? await listCheckpoints(tx, { from: after, to: last.position }) : [] }
  })
}

/** What has been read of the chain. */
class Chain {
  readonly findings: string[] = []
  /** That were compared. */
  anchors = 0
  rows = 0
  /** The rows read are those after it; it rises when some are dropped for their age meanwhile. */
  floor: AuditHead
  at = -1
  /** What the next row follows; undefined after a gap, where there is nothing to follow from: the row is held against the one after it. */
  #before: Buffer | undefined

  constructor(
    readonly head: AuditHead,
    readonly outside: ReadonlyMap<number, readonly Anchor[]>,
  ) {
    this.floor = head
  }

  /** False when there is no more to follow, or enough was found. */
  take({ head, after, rows, checkpoints }: Batch): boolean {
    const inside = Map.groupBy(checkpoints, (c) => c.position)
    const compare = (position: number, hash: Buffer) => this.#compare(position, hash, inside.get(position) ?? [])
    if (after > this.at) {
      this.#beginAfter(head)
      compare(head.floor, head.floorHash)
    }
    for (const row of rows) {
      if (row.position > this.head.position) return false
      this.#follow(row)
      compare(row.position, row.hash)
      if (row.subjects !== row.patients) this.findings.push(`position ${row.position}: is missing in the list of a patient it is about`)
    }
    return rows.length >= BATCH && this.at < this.head.position && !this.isFull
  }

  get isFull(): boolean {
    return this.findings.length >= FINDINGS_MAX
  }

  end(): void {
    if (this.isFull) return
    if (this.at < this.head.position) this.findings.push(removed(this.at + 1, this.head.position))
    else if (this.at === this.head.position && this.#before && !this.#before.equals(this.head.hash))
      this.findings.push(`position ${this.at}: is not what was sealed last`)
  }

  #beginAfter(head: AuditHead): void {
    this.floor = head
    this.at = head.floor
    this.#before = head.floorHash
    this.rows = 0
  }

  #follow(row: SealedRow): void {
    const { position } = row
    if (position <= this.at) this.findings.push(`position ${position}: added: another row stands there as well`)
    if (position > this.at + 1) {
      this.findings.push(removed(this.at + 1, position - 1))
      this.#before = undefined
    }
    if (this.#before && !hashOf(this.#before, row).equals(row.hash))
      this.findings.push(`position ${position}: altered, or what stood before it was (it does not follow from position ${position - 1})`)
    this.at = position
    this.#before = row.hash
    this.rows++
  }

  #compare(position: number, hash: Buffer, checkpoints: readonly Checkpoint[]): void {
    const anchors = this.outside.get(position) ?? []
    this.anchors += anchors.length
    const known = [
      ...checkpoints.map((c) => ({ hash: c.hash.toString("hex"), where: "checkpoint" })),
      ...anchors.map((a) => ({ hash: a.hash, where: "anchor" })),
    ]
    const found = hash.toString("hex")
    for (const other of known)
      if (other.hash !== found) this.findings.push(`position ${position}: is not what the ${other.where} says: the log was rewritten`)
  }
}

export type Followed = Pick<Chain, "floor" | "rows" | "anchors" | "findings">

/** `head`: as it was when the check began; what is sealed later is left to the next one. */
export async function followChain(pool: Pool, head: AuditHead, anchors: readonly Anchor[]): Promise<Followed> {
  const chain = new Chain(
    head,
    Map.groupBy(anchors, (a) => a.position),
  )
  const strays: string[] = []
  let listed: number | undefined
  for (let more = true; more; ) {
    more = chain.take(await readBatch(pool, chain.at))
    if (chain.isFull || (more && chain.at - (listed ?? chain.floor.floor) < LISTS_BATCH)) continue
    strays.push(...(await findStrays(pool, listed, more ? chain.at : undefined)))
    listed = chain.at
  }
  chain.end()
  chain.findings.push(...strays)
  return chain
}

async function findStrays(pool: Pool, after: number | undefined, to: number | undefined): Promise<string[]> {
  const from = after === undefined ? undefined : after + 1
  const strays = await readAuditAtOnce(pool, (tx) => listStrays(tx, { from, to }, FINDINGS_MAX))
  return strays.map(({ position }) => `position ${position}: stands in the list of a patient whom the log does not name there`)
}

export function removed(from: number, to: number): string {
  return `${places(from, to)}: removed`
}

export function places(from: number, to: number): string {
  return from === to ? `position ${from}` : `positions ${from} to ${to}`
}
