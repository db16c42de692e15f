import { expect, test } from "bun:test"
import { testDatabase } from "../tests/harness/services.ts"
import { openSilencer } from "../tests/harness/silencer.ts"
import { openPool, type Pool } from "./db.ts"
import { answeringPool } from "./pg-silence.ts"

/** Long for a database that is well, on a busy machine too. */
const bounds = { queryMs: 1_000, transactionQueryMs: 1_500 }
/** One who waits for TCP waits for a quarter of an hour. */
const TIMEOUT_MS = 20_000

type Asked = (pool: Pool, silence: () => void) => Promise<unknown>

const asked: [string, Asked][] = [
  [
    "a query",
    async (pool, silence) => {
      silence()
      await pool`select 1`
    },
  ],
  [
    "the beginning of a transaction",
    async (pool, silence) => {
      silence()
      await pool.begin("read only", (tx) => tx`select 1`)
    },
  ],
  [
    "a query of a transaction",
    (pool, silence) =>
      pool.begin(async (tx) => {
        await tx`select 1`
        silence()
        await tx.unsafe("select 1")
      }),
  ],
  [
    "the end of a transaction",
    (pool, silence) =>
      pool.begin(async (tx) => {
        await tx`select 1`
        silence()
      }),
  ],
]

test.each(asked)(
  "%s that is not answered fails, and what is asked next is answered over another connection",
  async (_, ask) => {
    await using database = await testDatabase()
    await using silencer = await openSilencer(database.url)
    const pool = answeringPool(() => openPool(silencer.url, { max: 1, name: "silent" }), bounds)
    await using closed = new AsyncDisposableStack()
    closed.defer(() => pool.end({ timeout: 0 }))
    expect([...(await pool`select 1 as one`)]).toEqual([{ one: 1 }])
    expect(await ask(pool, silencer.silence).catch((error: unknown) => error)).toBeInstanceOf(Error)
    const part = pool.unsafe("2 as two")
    // As long as a query may take: what is answered is not given up.
    expect([...(await pool`select ${part} from pg_sleep(0.3)`)]).toEqual([{ two: 2 }])
    await Bun.sleep(bounds.queryMs)
    expect([...(await pool.begin("read only", (tx) => tx`select 3 as three`))]).toEqual([{ three: 3 }])
  },
  TIMEOUT_MS,
)
