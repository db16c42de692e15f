import { type Config, ConfigError } from "../config.ts"
import type { Pool } from "../db.ts"
import type { Log } from "../log.ts"
import type { PaymentKeys } from "../payment-keys.ts"
import { sleep } from "../time.ts"
import { openCard } from "./envelope.ts"
import { listSamplesOfKeys } from "./queries.ts"

/** Enough that a damaged row is not taken for a wrong key. */
const SAMPLES_OF_A_KEY = 5
const RETRY_MS = 500

/** The ids of keys that cards lie under and that none of `keys` opens: missing, or another key under the same id. */
export async function findUnreadableKeys(pool: Pool, keys: PaymentKeys): Promise<string[]> {
  const samples = await listSamplesOfKeys(pool, SAMPLES_OF_A_KEY)
  const readable = new Set(samples.filter((row) => openCard(keys, row.id, row)).map((row) => row.keyId))
  return [...new Set(samples.map((row) => row.keyId))].filter((id) => !readable.has(id))
}

/** Refuses to start in production with keys that do not open what is stored; elsewhere it says so. */
export async function requireReadableCards(pool: Pool, config: Config, log: Log, signal: AbortSignal): Promise<void> {
  const unreadable = await untilAnswered(() => findUnreadableKeys(pool, config.paymentKeys), signal)
  if (unreadable === undefined || unreadable.length === 0) return
  const message = `PAYMENT_KEYS: no key opens the cards stored under ${unreadable.join(", ")}`
  if (config.env === "production") throw new ConfigError(message)
  log.warn(message)
}

/** Undefined when the process stops before the database answers. */
async function untilAnswered<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await ask()
    } catch {
      await sleep(RETRY_MS, signal)
    }
  }
  return undefined
}
