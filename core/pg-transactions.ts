/**
 * Transactions for postgres.js 3.4.9 that survive the loss of their connection. The driver goes on to send what they still ask for,
 * or `rollback` after a query that the loss has failed, to a connection that is no more: a timer of the driver then writes to no
 * socket, which ends the process. So what is asked for after the loss is refused here, and the driver is not told how the
 * transaction ended: it has refused that itself.
 */
import type postgres from "postgres"

type Run = (tx: object) => unknown
type Begin = (options: string, run: Run) => Promise<unknown>

/** The fields by which the driver hands a query to its connection and settles it. */
export type Query = Promise<unknown> & { handler: (query: Query) => unknown; reject: (error: unknown) => void }

export function isQuery(made: unknown): made is Query {
  return made instanceof Promise && "handler" in made && "reject" in made
}

/** Makes the pool's transactions survive. Savepoints, which nobody here uses, are left as they are. */
export function surviveLostTransactions<Types extends Record<string, unknown>>(pool: postgres.Sql<Types>): void {
  const begin = pool.begin as Begin
  const surviving = async (...args: [string, Run] | [Run]) => {
    const [options, run] = args.length === 1 ? ["", args[0]] : args
    let lost = false
    const transaction = begin(options, async (tx) => {
      const outcome = await outcomeOf(
        run,
        refusing(tx as postgres.Sql, () => lost),
      )
      // The driver refuses query and transaction in one tick: by the next one both are known.
      if (!outcome.ok) await new Promise((resolve) => setImmediate(resolve))
      if (lost) await new Promise(() => {})
      if (outcome.ok) return outcome.value
      throw outcome.error
    })
    transaction.catch(() => {
      lost = true
    })
    return await transaction
  }
  pool.begin = surviving as typeof pool.begin
}

type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown }

async function outcomeOf(run: Run, tx: object): Promise<Outcome> {
  try {
    const made = run(tx)
    return { ok: true, value: await (Array.isArray(made) ? Promise.all(made) : made) }
  } catch (error) {
    return { ok: false, error }
  }
}

/** The same transaction, of which a query fails once the connection is lost. */
function refusing(tx: postgres.Sql, isLost: () => boolean): postgres.Sql {
  const watched = <T>(made: T): T => {
    if (!isQuery(made)) return made
    const { handler } = made
    made.handler = (query) => (isLost() ? query.reject(connectionLost()) : handler(query))
    return made
  }
  return watching(tx, watched)
}

/** The same transaction, of which whatever it makes goes through `watched`. */
export function watching<Sql extends object>(tx: Sql, watched: <T>(made: T) => T): Sql {
  return new Proxy(tx, {
    apply: (target, self, args) => watched(Reflect.apply(target as never, self, args)),
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      // Like the tag itself, it makes a query.
      return key === "unsafe" && typeof value === "function" ? (...args: unknown[]) => watched(value(...args)) : value
    },
  })
}

function connectionLost(): Error {
  return Object.assign(new Error("the transaction has lost its connection"), { code: "CONNECTION_CLOSED" })
}
