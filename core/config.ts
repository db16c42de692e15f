/**
 * Configuration is read once, in each process's main, and passed in.
 * Every setting is described here and in the README's table.
 */
import { z } from "zod"

const port = z.coerce.number().int().min(0).max(65_535)
/** An unset variable and an empty one mean the same: the default. */
const flag = z.enum(["0", "1", "true", "false"]).transform((v) => v === "1" || v === "true")

function originList(value: string, ctx: z.RefinementCtx): string[] {
  const origins = value
    .split(",")
    .map((o) => o.trim())
    .filter(Boolean)
  for (const origin of origins) {
    if (origin === "*") continue
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      ctx.addIssue({ code: "custom", message: `"${origin}" is not an origin such as https://example.com` })
  }
  return origins
}

function urlWith(...protocols: string[]) {
  return z
    .string()
    .refine(
      (v) => URL.canParse(v) && protocols.includes(new URL(v).protocol),
      `must be a URL that starts with ${protocols.map((p) => `${p}//`).join(" or ")}`,
    )
}

const Environment = z.object({
  NODE_ENV: z.enum(["development", "test", "production"]).default("development"),
  PORT: port.default(3000),
  HOST: z.string().default("0.0.0.0"),
  DATABASE_URL: urlWith("postgres:", "postgresql:"),
  DATABASE_POOL: z.coerce.number().int().min(1).max(500).default(20),
  REDIS_HOST: z.string().min(1),
  REDIS_PORT: port.default(6379),
  REDIS_USERNAME: z.string().optional(),
  REDIS_PASSWORD: z.string().optional(),
  REDIS_TLS: flag.default(false),
  FIREBASE_PROJECT_ID: z.string().min(1).optional(),
  FIREBASE_AUTH_EMULATOR_HOST: z.string().optional(),
  AUTH_DEV_TOKENS: flag.default(false),
  CORS_ORIGIN: z.string().default("").transform(originList),
  REALTIME_URL: urlWith("http:").optional(),
  RATE_LIMIT: flag.optional(),
  RATE_LIMIT_READS_PER_MINUTE: z.coerce.number().int().min(1).default(1200),
  RATE_LIMIT_WRITES_PER_MINUTE: z.coerce.number().int().min(1).default(120),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  STREAM_MAX_EVENTS: z.coerce.number().int().min(100).max(10_000_000).default(100_000),
})

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
  databasePool: number
  redis: RedisConfig
  auth: AuthConfig
  /** Allowed origins; ["*"] for any, [] for none but the own. */
  corsOrigins: string[]
  /** Where `api` forwards /socket.io/, when it owns the public port. */
  realtimeUrl?: string
  rateLimit: { on: boolean; readsPerMinute: number; writesPerMinute: number }
  logLevel: string
  streamMaxEvents: number
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
  return {
    env: e.NODE_ENV,
    host: e.HOST,
    port: e.PORT,
    databaseUrl: e.DATABASE_URL,
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
    logLevel: e.LOG_LEVEL,
    streamMaxEvents: e.STREAM_MAX_EVENTS,
  }
}
