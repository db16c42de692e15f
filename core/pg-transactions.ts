/**
 * Transactions for postgres.js 3.4.9 that survive the loss of their connection. When a query of one fails, the driver sends
 * `rollback`, over the very connection that is gone too when that is why: a timer of the driver then writes to no socket, which
 * ends the process. So the driver is not told of a failure that came with the loss, and needs not be: it has refused the
 * transaction already.
 */
import type postgres from "postgres"

type Begin = (options: string, run: (tx: unknown) => unknown) => Promise<unknown>

export function surviveLostTransactions<Types extends Record<string, unknown>>(pool: postgres.Sql<Types>): void {
  const begin = pool.begin as Begin
  const surviving = async (...args: [string, (tx: unknown) => unknown] | [(tx: unknown) => unknown]) => {
    const [options, run] = args.length === 1 ? ["", args[0]] : args
    let refused = false
    const transaction = begin(options, async (tx) => {
      try {
        const made = run(tx)
        return await (Array.isArray(made) ? Promise.all(made) : made)
      } catch (error) {
        // The driver refuses query and transaction in one tick; by the next one both are known.
        await new Promise((resolve) => setImmediate(resolve))
        if (refused) await new Promise(() => {})
        throw error
      }
    })
    transaction.catch(() => {
      refused = true
    })
    return await transaction
  }
  pool.begin = surviving as typeof pool.begin
}
