/**
 * When a waiting patient's visit will begin: whoever is before them takes as long as the doctor's recent visits took at the median
 * (a slot, while there are too few of them), counted from the expected end of the visit that runs, or from now. The time of the
 * appointment plays no part, since `next` calls whoever is first. Whole minutes, rounded up: no one can promise seconds, and a patient
 * is told again only of a change that matters.
 */

const MINUTE_MS = 60_000

export type Estimated = {
  doctorId: string
  /** With the doctor since then; null while waiting. */
  startedAt: Date | null
  slotMinutes: number
  /** The median of the doctor's recent visits; null while there are too few. */
  typicalMs: number | null
}

export type Place = { position: number; estimatedStart: Date }

/** The waiting ones' places, in the order given, which is the order in which they are called. */
export function placesOf<E extends Estimated>(entries: readonly E[], now: Date): { entry: E; place: Place }[] {
  const doctors = new Map<string, { position: number; freeMs: number }>()
  const turnOf = (doctorId: string) => {
    const turn = doctors.get(doctorId) ?? { position: 0, freeMs: now.getTime() }
    doctors.set(doctorId, turn)
    return turn
  }
  for (const entry of entries) {
    if (entry.startedAt === null) continue
    const turn = turnOf(entry.doctorId)
    turn.freeMs = Math.max(turn.freeMs, entry.startedAt.getTime() + lengthMs(entry))
  }
  return entries
    .filter((entry) => entry.startedAt === null)
    .map((entry) => {
      const turn = turnOf(entry.doctorId)
      const estimatedStart = new Date(Math.ceil(turn.freeMs / MINUTE_MS) * MINUTE_MS)
      turn.freeMs += lengthMs(entry)
      return { entry, place: { position: ++turn.position, estimatedStart } }
    })
}

const lengthMs = ({ typicalMs, slotMinutes }: Estimated) => typicalMs ?? slotMinutes * MINUTE_MS
