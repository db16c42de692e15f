/** What clients heard against the log, and against who may hear what by the contract. */
import { entitled, Parties } from "../entitled.ts"
import type { Diary, Evidence, LogRow, Violation } from "../evidence.ts"

export function checkDelivery(evidence: Evidence): Violation[] {
  const parties = new Parties(evidence)
  const byId = new Map(evidence.log.map((row) => [row.id, row]))
  return evidence.diaries.flatMap((diary) => [
    ...connections(diary),
    ...truth(diary, byId, parties),
    ...missed(diary, evidence.log, parties),
    ...order(diary),
  ])
}

/** Offsets strictly grow on a connection, beginning after the one it asked from. A repeat on a later connection is allowed. */
function connections({ client, connections, heard, gaps }: Diary): Violation[] {
  const promise = "on one connection offsets strictly grow, from the one that it asked to resume after"
  const last = connections.map((c) => c.lastOffset)
  const violations: Violation[] = []
  for (const { connection, offset, id, name } of heard) {
    const before = last[connection] ?? 0
    if (offset <= before)
      violations.push({ promise, what: `${client}, connection ${connection}: ${name} at ${offset} after ${before}`, about: [id], client })
    last[connection] = Math.max(before, offset)
  }
  for (const { from, to } of gaps)
    violations.push({
      promise: "nobody is told of a gap in a log that keeps everything",
      what: `${client}: stream:gap ${from}–${to}`,
      about: [],
      client,
    })
  return violations
}

function truth({ client, person, heard }: Diary, byId: Map<string, LogRow>, parties: Parties): Violation[] {
  const violations: Violation[] = []
  for (const { id, name, offset, data } of heard) {
    const row = byId.get(id)
    const same = row && row.name === name && row.offset === offset && Bun.deepEquals(row.data, data)
    if (!same) {
      const what = `${client} heard ${name} at ${offset} (${id}), which the log ${row ? `has as ${row.name} at ${row.offset}` : "has not"}`
      violations.push({ promise: "only what was committed is heard, as it was committed", what, about: [id, ...idsOf(data)], client })
    } else if (!entitled(person, row, parties)) {
      const what = `${client} heard ${name} at ${offset} of ${row.subject}`
      violations.push({ promise: "nobody hears what is not theirs", what, about: [id, ...idsOf(data)], client })
    }
  }
  return violations
}

function missed(diary: Diary, log: LogRow[], parties: Parties): Violation[] {
  const { client, person, heard } = diary
  const ids = new Set(heard.map((h) => h.id))
  const until = owedUntil(diary, parties)
  return log
    .filter((row) => row.offset !== null && row.offset <= until && entitled(person, row, parties) && !ids.has(row.id))
    .map((row) => ({
      promise: "every committed change reaches everyone who may hear it",
      what: `${client} never heard ${row.name} at ${row.offset} of ${row.subject}`,
      about: [row.id, ...idsOf(row.data)],
      client,
    }))
}

/**
 * Whoever was turned away while they were cut off comes back to nothing. What they heard last, or were told in time that they have, says
 * up to where they must have heard all.
 */
function owedUntil({ person, heard, ready }: Diary, parties: Parties): number {
  const dismissal = parties.dismissalOf(person)
  if (!dismissal) return Number.POSITIVE_INFINITY
  const inTime = ready.filter(({ at }) => at < dismissal.at)
  return Math.max(0, ...heard.map((h) => h.offset), ...inTime.map(({ offset }) => offset))
}

/** As first heard. */
function order({ client, heard }: Diary): Violation[] {
  const newest = new Map<string, number>()
  const seen = new Set<string>()
  const violations: Violation[] = []
  for (const { id, name, offset, data } of heard) {
    if (seen.has(id)) continue
    seen.add(id)
    for (const subject of idsOf(data)) {
      const before = newest.get(subject) ?? 0
      if (offset < before)
        violations.push({
          promise: "the changes of one subject are heard in their order",
          what: `${client} heard ${name} at ${offset} of ${subject} only after ${before}`,
          about: [id, subject],
          client,
        })
      newest.set(subject, Math.max(before, offset))
    }
  }
  return violations
}

function idsOf(data: Record<string, unknown>): string[] {
  return [data.appointmentId, data.paymentId, data.clinicId].filter((id) => typeof id === "string")
}
