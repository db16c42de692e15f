import postgres from "postgres"
import { registerArrays } from "./pg-arrays.ts"
import { socketsFor, startupPadding } from "./pg-socket.ts"
import { sslModeOf } from "./pg-tls.ts"
import { surviveLostTransactions } from "./pg-transactions.ts"

/** Offsets, versions and counts stay below 2^53; H3 cells do not, so they are written but never read back. */
const int8 = { to: 20, from: [20], serialize: (v: number) => String(v), parse: (v: string) => Number(v) }
/** Fees and amounts: at most ten digits, so a double holds them exactly enough to print them back. */
const numeric = { to: 1700, from: [1700], serialize: (v: number) => String(v), parse: (v: string) => Number(v) }

type Types = { int8: number; numeric: number }

/** The pool. */
export type Pool = postgres.Sql<Types>
/** The pool or an open transaction: whoever calls a query owns the transaction. */
export type Db = postgres.ISql<Types>
export type Tx = postgres.TransactionSql<Types>

/** The Postgres type number of int8, for `sql.array(cells, INT8)`. */
export const INT8 = 20

const CONNECT_TIMEOUT_S = 5
/** The driver counts failures for ever once a session was cut, and would wait up to 20 s before it connects again. */
const MAX_BACKOFF_S = 0.2
/** A request's own bound is 10 s: a statement that runs longer answers nobody. */
const STATEMENT_TIMEOUT_MS = 10_000
const LOCK_TIMEOUT_MS = 8_000
/** Long enough that it never fires in a healthy process; a frozen one must not hold its locks for ever. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000

/** As settings of a role, for whoever connects by other means than this pool. */
export const SESSION_BOUNDS = {
  statement: `${STATEMENT_TIMEOUT_MS}ms`,
  lock: `${LOCK_TIMEOUT_MS}ms`,
  idleInTransaction: `${IDLE_IN_TRANSACTION_TIMEOUT_MS}ms`,
}

export type PoolOptions = {
  max: number
  name: string
  statementTimeoutMs?: number
  /** "off": a commit is answered before the disk has it. Only a crash of Postgres itself can lose it, and only for some 0.6 s. */
  synchronousCommit?: "off"
  /** Of every session. */
  settings?: Record<string, string>
}

/** Opens lazily: nothing connects before the first query. */
export function openPool(url: string, options: PoolOptions): Pool {
  const { max, name, statementTimeoutMs = STATEMENT_TIMEOUT_MS, synchronousCommit, settings } = options
  const pool = postgres(url, {
    max,
    fetch_types: false,
    // The driver knows this option; its types do not. TLS is the socket's business.
    ...{ socket: socketsFor(sslModeOf(url)) },
    ssl: false,
    types: { int8, numeric },
    connect_timeout: CONNECT_TIMEOUT_S,
    backoff: (failures) => Math.min(2 ** failures / 100, MAX_BACKOFF_S),
    onnotice: () => {},
    connection: {
      // Compiling costs more than statements as short as these take.
      jit: "off",
      ...startupPadding,
      application_name: `pulsecal-${name}`,
      statement_timeout: statementTimeoutMs,
      lock_timeout: LOCK_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      ...settings,
      ...(synchronousCommit ? { synchronous_commit: synchronousCommit } : {}),
    },
  })
  registerArrays(pool)
  surviveLostTransactions(pool)
  return pool
}

/** The only row, or undefined. */
export function maybeOne<Row>(rows: readonly Row[]): Row | undefined {
  return rows[0]
}

/** The only row; a query that must return one and does not is a bug. */
export function one<Row>(rows: readonly Row[]): Row {
  const row = rows[0]
  if (row === undefined) throw new Error("a query that must return a row returned none")
  return row
}

/** Whether the error is the named constraint's refusal. */
export function violates(error: unknown, constraint: string): boolean {
  return error instanceof postgres.PostgresError && error.constraint_name === constraint
}

/** Postgres itself has said no: the statement did nothing. Any other failure leaves open what was committed. */
export function isRefused(error: unknown): boolean {
  return error instanceof postgres.PostgresError
}

/** A lock was not had in time. */
export function isLockTimeout(error: unknown): boolean {
  return isRefused(error) && (error as postgres.PostgresError).code === "55P03"
}

/** A deadlock or a serialization failure: the statement may simply be run again. */
export function isRetryable(error: unknown): boolean {
  return error instanceof postgres.PostgresError && (error.code === "40P01" || error.code === "40001")
}

/** The role may not do that. */
export function isDenied(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code === "42501"
}

/** What writes was asked of a server that only reads, such as a standby. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code === "25006"
}

const UNAVAILABLE = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ERR_SOCKET_CLOSED",
  "57P01",
  "57P02",
  "57P03", // the server is shutting down, has crashed, or is starting
  "53300", // too many connections
  "57014",
  "55P03", // the statement or lock timeout
])

/** Postgres cannot answer now, through no fault of the query: the caller answers 503. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof Error && "code" in error && UNAVAILABLE.has(String(error.code))
}
