/**
 * What waits to be sealed. Who may not read the inbox, and nobody but its owner may, finds out by sealing it in a transaction that is taken
 * back: that shows as well whether it can be sealed.
 */
import { isReadOnly, isRefused, type Pool } from "../db.ts"
import { sleep } from "../time.ts"
import { countSealedAfter, sealEntries, type Unsealed } from "./queries.ts"
import { mayPass } from "./seal.ts"

/** Sixty turns of the sealer, so that a worker that restarts or catches up is not one that is away. */
export const UNSEALED_MAX_AGE_MS = 60_000
/** Half a second of sealing, during which the worker's own waits. That there are more is all that matters of the others. */
export const UNSEALED_COUNTED_MAX = 10_000
const BATCH = 1_000
/** Between the worker's batches there is room. */
const TRIES_MAX = 100
const TRY_AGAIN_MS = 100

/** Carries what was found out of a transaction of which nothing stays. */
class TakenBack extends Error {
  constructor(readonly found: Unsealed | undefined) {
    super("taken back")
  }
}

/** Nothing can be sealed on a server that only reads, such as a standby. */
export const READ_ONLY = "read-only"

/** What waits cannot be sealed, and what Postgres says of it: such as that a row stands where the next one belongs. */
export type Unsealable = { refusal: string }

export type Backlog = Unsealed | Unsealable | typeof READ_ONLY

/** Counts no further than {@link UNSEALED_COUNTED_MAX}. Undefined: somebody is about to seal and comes to no end. */
export async function findUnsealed(pool: Pool): Promise<Backlog | undefined> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const found = await probe(pool)
    if (found) return found
    await sleep(TRY_AGAIN_MS)
  }
  return undefined
}

/** Undefined: another is sealing at this moment. */
async function probe(pool: Pool): Promise<Backlog | undefined> {
  try {
    return await pool.begin(async (tx): Promise<never> => {
      const { sealed, position } = await sealEntries(tx, BATCH)
      if (position === null) throw new TakenBack(undefined)
      for (let last = sealed, total = sealed; last > 0 && total < UNSEALED_COUNTED_MAX; total += last)
        last = (await sealEntries(tx, BATCH)).sealed
      throw new TakenBack(await countSealedAfter(tx, position - sealed))
    })
  } catch (error) {
    if (error instanceof TakenBack) return error.found
    if (isReadOnly(error)) return READ_ONLY
    if (error instanceof Error && isRefused(error) && !mayPass(error)) return { refusal: error.message }
    throw error
  }
}
