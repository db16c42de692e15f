/**
 * Time alone makes an estimate wrong: a visit overruns, or the doctor calls nobody. Who waits is told again once that matters. Those who
 * were never told are left to the next change of their queue.
 */
import type { Pool } from "../db.ts"
import { announcePlaces, type Placed } from "./announce.ts"
import { placesOf } from "./estimate.ts"
import { listQueues, listToldClinics, lockQueue } from "./queries.ts"

/** As far as what a patient was told may be off. Less is not worth a message: without it, every minute of a late doctor would be one. */
const DRIFT_MINUTES = 5
const DRIFT_MS = DRIFT_MINUTES * 60_000
/** Clinics read at once. */
const PAGE_CLINICS = 100
const BEFORE_ALL = "00000000-0000-0000-0000-000000000000"

/**
 * Tells those again whose estimate has drifted. No queue is locked unless somebody in it is due, and then that is decided again under
 * the lock: of workers that run at once, one tells. Returns how many were told.
 */
export async function tellDrifted(pool: Pool): Promise<number> {
  let told = 0
  let after = BEFORE_ALL
  for (;;) {
    const page = await listToldClinics(pool, after, PAGE_CLINICS)
    const last = page.at(-1)
    if (!last) return told
    const clinicIds = page.map(({ clinicId }) => clinicId)
    const drifted = placesOf(await listQueues(pool, clinicIds, last.now), last.now).filter(hasDrifted)
    for (const clinicId of new Set(drifted.map(({ entry }) => entry.clinicId)))
      told += await pool.begin(async (tx) => announcePlaces(tx, await lockQueue(tx, clinicId), hasDrifted))
    after = last.clinicId
  }
}

function hasDrifted({ entry, place }: Placed): boolean {
  return entry.hears && entry.toldStart !== null && Math.abs(place.estimatedStart.getTime() - entry.toldStart.getTime()) >= DRIFT_MS
}
