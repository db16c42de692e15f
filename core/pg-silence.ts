/**
 * A pool that is not held up by a silent connection. A server, a proxy or a network that is gone without a word leaves its connections open:
 * what was asked is never answered, the server's own timeouts tell nobody, and TCP notices after a quarter of an hour. Here a query that is
 * not answered in time fails, and so does whatever else was asked of that pool, and another pool takes its place.
 */
import type { Pool, Tx } from "./db.ts"
import { isQuery, type Query, watching } from "./pg-transactions.ts"

export type AnswerBounds = {
  /** More than the server's own timeout of a statement, which is the better answer. */
  queryMs: number
  /** The same of the statements of a transaction. */
  transactionQueryMs: number
}

type Use = (tx: Tx) => unknown

/** To be used like a pool that `open` opens, and ended like one. */
export function answeringPool(open: () => Pool, bounds: AnswerBounds): Pool {
  let current = open()
  const giveUp = (silent: Pool) => {
    if (silent !== current) return
    current = open()
    // The driver fails with their connection whatever was asked.
    silent.end({ timeout: 0 }).catch(() => {})
  }
  const giveUpAfter = (query: Query, silent: Pool) => {
    query.reject(silence(bounds.queryMs))
    giveUp(silent)
  }
  const watched = (pool: Pool) => watching(pool, (made) => bounded(made, bounds.queryMs, (query) => giveUpAfter(query, pool)))
  return new Proxy(current, {
    apply: (_, self, args) => Reflect.apply(watched(current), self, args),
    get: (_, key) => (key === "begin" ? beginning(current, bounds, giveUp) : Reflect.get(watched(current), key)),
  })
}

/** `begin` of a pool that is given up when the transaction's beginning, one of its queries or its end is not answered. */
function beginning(pool: Pool, { queryMs, transactionQueryMs }: AnswerBounds, giveUp: (silent: Pool) => void) {
  return async (...args: [string, Use] | [Use]) => {
    const [options, use] = args.length === 1 ? ["", args[0]] : args
    let timer = setTimeout(giveUp, queryMs, pool)
    try {
      return await pool.begin(options, async (tx) => {
        clearTimeout(timer)
        const outcome = await use(watching(tx, (made) => bounded(made, transactionQueryMs, () => giveUp(pool))))
        timer = setTimeout(giveUp, queryMs, pool)
        return outcome
      })
    } finally {
      clearTimeout(timer)
    }
  }
}

/** From when it is sent: what is only a part of another query never is. */
function bounded<T>(made: T, ms: number, onSilence: (query: Query) => void): T {
  if (!isQuery(made)) return made
  const { handler } = made
  made.handler = (query) => {
    const timer = setTimeout(onSilence, ms, query)
    const end = () => clearTimeout(timer)
    query.then(end, end)
    return handler(query)
  }
  return made
}

const silence = (ms: number) =>
  Object.assign(new Error(`Postgres has not answered within ${ms} ms; its connection is made anew`), { code: "ETIMEDOUT" })
