/**
 * Configuration is read once, in each process's main, and passed in.
 * Every setting is described here and in the README's table.
 */
import { z } from "zod"
import { DEVELOPMENT_KEYS, hasDevelopmentKey, type PaymentKeys, readPaymentKeys } from "./payment-keys.ts"
import { hasSslMode, SSL_MODES } from "./pg-tls.ts"
import { flag, host, metricsPort, networkList, originList, port, urlWith, whole } from "./settings.ts"

const databaseUrl = urlWith("postgres:", "postgresql:").refine(hasSslMode, `must have an sslmode that is one of ${SSL_MODES.join(", ")}`)

const Environment = z.object({
  NODE_ENV: z.enum(["development", "test", "production"]).default("development"),
  PORT: port.default(3000),
  HOST: host.default("0.0.0.0"),
  DATABASE_URL: databaseUrl,
  MIGRATE_DATABASE_URL: databaseUrl.optional(),
  DATABASE_POOL: whole(1, 500).default(20),
  REDIS_HOST: host,
  REDIS_PORT: port.default(6379),
  REDIS_USERNAME: z.string().optional(),
  REDIS_PASSWORD: z.string().optional(),
  REDIS_TLS: flag.default(false),
  FIREBASE_PROJECT_ID: z
    .string()
    .regex(/^[a-z0-9.:-]+$/, "must be the id of a Firebase project")
    .optional(),
  FIREBASE_AUTH_EMULATOR_HOST: z
    .string()
    .regex(/^[^\s/]+:\d{1,5}$/, "must be host:port")
    .optional(),
  AUTH_DEV_TOKENS: flag.default(false),
  CORS_ORIGIN: z.string().default("").transform(originList),
  REALTIME_URL: urlWith("http:").optional(),
  TRUSTED_PROXIES: z.string().default("").transform(networkList),
  RATE_LIMIT: flag.optional(),
  RATE_LIMIT_READS_PER_MINUTE: whole(1, 1_000_000).default(1200),
  RATE_LIMIT_WRITES_PER_MINUTE: whole(1, 1_000_000).default(120),
  PAYMENT_KEYS: z.string().transform(readPaymentKeys).optional(),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  DRAIN_MS: whole(0, 8_000).optional(),
  STREAM_MAX_EVENTS: whole(100, 10_000_000).default(100_000),
  SEARCH_INDEX_MAX_MB: whole(0, 1_000_000).default(1024),
  METRICS_PORT: metricsPort.optional(),
  METRICS_HOST: host.default("127.0.0.1"),
  NO_SHOW_AFTER_MINUTES: whole(1, 10_080).default(60),
  RETENTION_DAYS: whole(1, 3_650).default(30),
  AUDIT_RETENTION_DAYS: whole(366, 36_500).default(2_192),
})

/** Two rounds of a load balancer that asks every second. */
const PRODUCTION_DRAIN_MS = 2_000

export type RedisConfig = { host: string; port: number; username?: string; password?: string; tls: boolean }

export type AuthConfig = {
  projectId: string
  /** host:port of a Firebase Auth emulator; tokens are then checked by asking it. */
  emulatorHost?: string
  /** Accept the emulator's unsigned tokens without an emulator. Never in production. */
  devTokens: boolean
}

export type Config = {
  env: "development" | "test" | "production"
  host: string
  port: number
  databaseUrl: string
  /** As the role that owns the tables. Only what migrates connects to it. */
  migrateDatabaseUrl: string
  databasePool: number
  redis: RedisConfig
  auth: AuthConfig
  /** Allowed origins; ["*"] for any, [] for none but the own. */
  corsOrigins: string[]
  /** Where `api` forwards /socket.io/, when it owns the public port. */
  realtimeUrl?: string
  rateLimit: { on: boolean; readsPerMinute: number; writesPerMinute: number }
  /** What card data are encrypted with. */
  paymentKeys: PaymentKeys
  logLevel: string
  streamMaxEvents: number
  /** The most memory that the doctor index of an API process may take; 0: there is none, and SQL serves all searches. */
  searchIndexMaxMb: number
  /** How long after its end a confirmed visit that nobody checked in counts as missed. */
  noShowAfterMinutes: number
  /** How long events are kept: how long a client may be away and still hear all it missed. */
  retentionDays: number
  /** How long the audit log is kept. */
  auditRetentionDays: number
  /** Addresses and networks of the proxies that may say where a request came from. */
  trustedProxies: string[]
  /** Where the process serves its metrics; undefined: nowhere, and nothing is measured. */
  metrics?: { host: string; port: number }
  /** How long a stopping process still answers while its readiness already fails, so that load balancers turn away first. */
  drainMs: number
}

export class ConfigError extends Error {
  override name = "ConfigError"
}

/** Reads and checks the environment. Throws a {@link ConfigError} that names every setting at fault, never its value. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, v]) => v !== undefined && v !== ""))
  const parsed = Environment.safeParse(given)
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues
        .map((i) => `${i.path.join(".")}: ${given[String(i.path[0])] === undefined ? "is required" : i.message}`)
        .join("\n"),
    )
  const e = parsed.data
  const production = e.NODE_ENV === "production"
  if (production && e.FIREBASE_AUTH_EMULATOR_HOST) throw new ConfigError("FIREBASE_AUTH_EMULATOR_HOST: must not be set in production")
  if (production && e.AUTH_DEV_TOKENS) throw new ConfigError("AUTH_DEV_TOKENS: must not be set in production")
  if (production && !e.FIREBASE_PROJECT_ID) throw new ConfigError("FIREBASE_PROJECT_ID: is required in production")
  if (production && !e.PAYMENT_KEYS) throw new ConfigError("PAYMENT_KEYS: is required in production")
  if (production && hasDevelopmentKey(e.PAYMENT_KEYS)) throw new ConfigError("PAYMENT_KEYS: has the key of development, which is no secret")
  return {
    env: e.NODE_ENV,
    host: e.HOST,
    port: e.PORT,
    databaseUrl: e.DATABASE_URL,
    migrateDatabaseUrl: e.MIGRATE_DATABASE_URL ?? e.DATABASE_URL,
    databasePool: e.DATABASE_POOL,
    redis: { host: e.REDIS_HOST, port: e.REDIS_PORT, username: e.REDIS_USERNAME, password: e.REDIS_PASSWORD, tls: e.REDIS_TLS },
    auth: {
      projectId: e.FIREBASE_PROJECT_ID ?? "demo-pulsecal",
      emulatorHost: e.FIREBASE_AUTH_EMULATOR_HOST,
      devTokens: e.AUTH_DEV_TOKENS,
    },
    corsOrigins: e.CORS_ORIGIN,
    realtimeUrl: e.REALTIME_URL,
    rateLimit: {
      on: e.RATE_LIMIT ?? production,
      readsPerMinute: e.RATE_LIMIT_READS_PER_MINUTE,
      writesPerMinute: e.RATE_LIMIT_WRITES_PER_MINUTE,
    },
    paymentKeys: e.PAYMENT_KEYS ?? DEVELOPMENT_KEYS,
    logLevel: e.LOG_LEVEL,
    streamMaxEvents: e.STREAM_MAX_EVENTS,
    searchIndexMaxMb: e.SEARCH_INDEX_MAX_MB,
    metrics: e.METRICS_PORT === undefined ? undefined : { host: e.METRICS_HOST, port: e.METRICS_PORT },
    noShowAfterMinutes: e.NO_SHOW_AFTER_MINUTES,
    retentionDays: e.RETENTION_DAYS,
    auditRetentionDays: e.AUDIT_RETENTION_DAYS,
    trustedProxies: e.TRUSTED_PROXIES,
    drainMs: e.DRAIN_MS ?? (production ? PRODUCTION_DRAIN_MS : 0),
  }
}

/** What AUDIT_RETENTION_DAYS says; undefined: nothing. Only what migrates asks: whoever forgets the setting there must not shorten what is kept. */
export function readAuditRetention({ AUDIT_RETENTION_DAYS: given }: Record<string, string | undefined>): number | undefined {
  if (given === undefined || given === "") return undefined
  const parsed = Environment.shape.AUDIT_RETENTION_DAYS.safeParse(given)
  if (!parsed.success) throw new ConfigError(`AUDIT_RETENTION_DAYS: ${parsed.error.issues[0]?.message}`)
  return parsed.data
}

/**
 * Does `make` while the environment says exactly this about an Auth emulator, and puts back what it said. firebase-admin can be told of an
 * emulator in no other way, looks once, as its client is made, and accepts unsigned tokens if it finds one: only the configuration may decide that.
 */
export function withAuthEmulator<T>(host: string | undefined, make: () => T): T {
  const before = process.env.FIREBASE_AUTH_EMULATOR_HOST
  setAuthEmulator(host)
  try {
    return make()
  } finally {
    setAuthEmulator(before)
  }
}

function setAuthEmulator(host: string | undefined): void {
  if (host === undefined) delete process.env.FIREBASE_AUTH_EMULATOR_HOST
  else process.env.FIREBASE_AUTH_EMULATOR_HOST = host
}

/** As {@link readConfig}, for a process that starts: says what is wrong and ends. */
export function configOrExit(): Config {
  try {
    return readConfig(process.env)
  } catch (error) {
    return exitOver(error)
  }
}

/** Ends a process whose settings are at fault, saying which; any other error is thrown on. */
export function exitOver(error: unknown): never {
  if (!(error instanceof ConfigError)) throw error
  console.error(`PulseCal does not start. These settings are wrong or missing:\n${error.message}`)
  process.exit(1)
}
