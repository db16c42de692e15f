/**
 * `bun run rotate-keys`: re-encrypts every stored card that lies under an older key of PAYMENT_KEYS with the first one, while the system
 * runs. It may be stopped at any moment and run again. Exit code 1 when cards are left under another key.
 */
import { hostname } from "node:os"
import { operatorAt } from "../core/audit/entry.ts"
import { readConfig } from "../core/config.ts"
import { openPool } from "../core/db.ts"
import { findUnreadableKeys } from "../core/payments/check-keys.ts"
import { rotateKeys } from "../core/payments/rotate.ts"
import { requireDatabase } from "./services/database.ts"
import { runCommand, SetupError } from "./services/say.ts"

/** Several batches a second would scroll everything else away. */
const TELL_EVERY_CARDS = 1_000

await runCommand(async () => {
  // What a process needs besides, this command does not.
  const config = readConfig({ ...process.env, REDIS_HOST: "unused", FIREBASE_PROJECT_ID: "unused" })
  await requireDatabase(config.databaseUrl)
  const pool = openPool(config.databaseUrl, { max: 1, name: "rotate-keys" })
  const [newest] = config.paymentKeys
  try {
    let told = 0
    const { reencrypted, unreadable, left } = await rotateKeys(pool, config.paymentKeys, operatorAt(hostname()), (count) => {
      if (told > 0 && count - told < TELL_EVERY_CARDS) return
      told = count
      console.log(`${count} cards re-encrypted so far`)
    })
    console.log(`${reencrypted} cards re-encrypted with the key ${newest.id}`)
    const unknown = await findUnreadableKeys(pool, config.paymentKeys)
    if (left.length === 0) return console.log("every stored card is under it: the older keys may go")
    throw new SetupError(
      [
        ...left.map(({ keyId, cards }) => `${cards} cards are still under the key ${keyId}`),
        ...(unknown.length > 0 ? [`no key of PAYMENT_KEYS opens those under ${unknown.join(", ")}`] : []),
        ...(unreadable > 0 ? [`${unreadable} cards do not open with the key that they name`] : []),
        ...(unknown.length === 0 && unreadable === 0
          ? ["others held them all along, or still write with an older first key: run again"]
          : []),
      ].join("\n"),
    )
  } finally {
    await pool.end({ timeout: 1 })
  }
})
