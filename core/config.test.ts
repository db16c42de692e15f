import { expect, test } from "bun:test"
import { ConfigError, readConfig } from "./config.ts"

const LEAST = { DATABASE_URL: "postgres://clinic:hunter2@db.internal:5432/clinic", REDIS_HOST: "redis.internal" }
const KEY = Buffer.alloc(32, "clinic").toString("base64")
const PRODUCTION = { ...LEAST, NODE_ENV: "production", FIREBASE_PROJECT_ID: "clinic-project", PAYMENT_KEYS: `k1:${KEY}` }

function errorOf(environment: Record<string, string | undefined>): string {
  try {
    readConfig(environment)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message
  }
  throw new Error("the configuration was accepted")
}

test("two settings are enough in development, and the rest has defaults", () => {
  expect(readConfig(LEAST)).toMatchObject({
    env: "development",
    port: 3000,
    databaseUrl: LEAST.DATABASE_URL,
    redis: { host: "redis.internal", port: 6379, tls: false },
    auth: { projectId: "demo-pulsecal", emulatorHost: undefined, devTokens: false },
    corsOrigins: [],
    rateLimit: { on: false },
    noShowAfterMinutes: 60,
    retentionDays: 30,
  })
})

test("the settings of the promise are read as given, and an empty one is as good as none", () => {
  const given = { ...PRODUCTION, REDIS_PORT: "6380", CORS_ORIGIN: "https://a.example, https://b.example:8443", PORT: "8080", LOG_LEVEL: "" }
  expect(readConfig(given)).toMatchObject({
    env: "production",
    port: 8080,
    redis: { host: "redis.internal", port: 6380 },
    auth: { projectId: "clinic-project", devTokens: false },
    corsOrigins: ["https://a.example", "https://b.example:8443"],
    rateLimit: { on: true },
    logLevel: "info",
  })
})

for (const name of ["DATABASE_URL", "REDIS_HOST"])
  test(`without ${name} no process starts, and the message says which setting is missing`, () => {
    expect(errorOf({ ...LEAST, [name]: undefined })).toBe(`${name}: is required`)
    expect(errorOf({ ...LEAST, [name]: "" })).toBe(`${name}: is required`)
  })

const MALFORMED: Record<string, string[]> = {
  NODE_ENV: ["staging", "PRODUCTION"],
  PORT: ["http", "-1", "65536", "80.5", "0x50", " ", "1e3"],
  HOST: ["all hosts", "http://host"],
  DATABASE_URL: [
    "db.internal",
    "mysql://u:p4ss@h/db",
    "postgres:u:p4ss@h/db",
    "postgres://u:p4ss@ho st/db",
    "postgres://u:p4ss@h/db?sslmode=on",
  ],
  DATABASE_POOL: ["0", "501", "many"],
  REDIS_HOST: ["redis://:p4ss@host", "two hosts"],
  REDIS_PORT: ["6379/tcp", "70000"],
  REDIS_TLS: ["yes", "2"],
  FIREBASE_PROJECT_ID: ["My Project", "projects/clinic"],
  FIREBASE_AUTH_EMULATOR_HOST: ["http://127.0.0.1:9099", "127.0.0.1", "localhost:port"],
  AUTH_DEV_TOKENS: ["on", "TRUE"],
  CORS_ORIGIN: ["clinic.test", "https://clinic.test/", "https://a.example,https://b.example/path", "null"],
  REALTIME_URL: ["127.0.0.1:3001", "https://realtime"],
  RATE_LIMIT: ["maybe"],
  RATE_LIMIT_READS_PER_MINUTE: ["0", "-5", "ten"],
  RATE_LIMIT_WRITES_PER_MINUTE: ["0", "1.5"],
  PAYMENT_KEYS: [KEY, `:${KEY}`, `k 1:${KEY}`, "k1:", `k1:${KEY.slice(4)}`, `k1:${KEY}=`, `k1:${KEY},k1:${KEY}`, `k1:${KEY},`, `k1 ${KEY}`],
  LOG_LEVEL: ["loud", "INFO"],
  DRAIN_MS: ["2s", "8001"],
  SEARCH_INDEX_MAX_MB: ["-1", "1.5", "1GB", "1000001"],
  STREAM_MAX_EVENTS: ["1", "99", "10000001"],
  METRICS_PORT: ["off", "-1", "65534", "9464.5"],
  METRICS_HOST: ["all hosts", "http://host"],
  NO_SHOW_AFTER_MINUTES: ["0", "10081", "an hour", "1.5"],
  RETENTION_DAYS: ["0", "3651", "30d"],
}

for (const [name, values] of Object.entries(MALFORMED))
  test(`a malformed ${name} stops the process with a message that names it and never prints its value`, () => {
    for (const value of values) {
      const message = errorOf({ ...LEAST, [name]: value })
      expect(message.split("\n")).toEqual([expect.stringMatching(new RegExp(`^${name}: \\w.+`))])
      // A value as short as "0" may well stand in the sentence that says what is allowed.
      if (value.trim().length > 3) expect(message).not.toContain(value)
      expect(message).not.toContain("p4ss")
    }
  })

test("metrics are off unless they are given a port, and for this machine alone unless they are given a host", () => {
  expect(readConfig(LEAST).metrics).toBeUndefined()
  expect(readConfig({ ...LEAST, METRICS_HOST: "0.0.0.0" }).metrics).toBeUndefined()
  expect(readConfig({ ...LEAST, METRICS_PORT: "9464" }).metrics).toEqual({ host: "127.0.0.1", port: 9464 })
  expect(readConfig({ ...LEAST, METRICS_PORT: "0", METRICS_HOST: "0.0.0.0" }).metrics).toEqual({ host: "0.0.0.0", port: 0 })
})

test("in production card keys must be given, and not development's; the message never has one", () => {
  expect(errorOf({ ...PRODUCTION, PAYMENT_KEYS: undefined })).toBe("PAYMENT_KEYS: is required in production")
  const [development] = readConfig(LEAST).paymentKeys
  const encoded = development.key.export().toString("base64")
  for (const keys of [`k1:${encoded}`, `k1:${KEY},old:${encoded}`]) {
    const message = errorOf({ ...PRODUCTION, PAYMENT_KEYS: keys })
    expect(message).toStartWith("PAYMENT_KEYS: has the key of development")
    expect(message).not.toContain(encoded)
  }
})

test("card keys keep their order, and neither printing nor serialising the configuration shows one", () => {
  const second = Buffer.alloc(32, "second").toString("base64")
  const config = readConfig({ ...PRODUCTION, PAYMENT_KEYS: `k2:${second}, k1:${KEY}` })
  expect(config.paymentKeys.map((k) => [k.id, k.key.export().toString("base64")])).toEqual([
    ["k2", second],
    ["k1", KEY],
  ])
  for (const printed of [JSON.stringify(config), Bun.inspect(config)]) for (const key of [KEY, second]) expect(printed).not.toContain(key)
})

test("every setting at fault is named at once", () => {
  const message = errorOf({ REDIS_HOST: "redis.internal", PORT: "http", LOG_LEVEL: "loud" })
  expect(message.split("\n").map((line) => line.split(":")[0])).toEqual(["PORT", "DATABASE_URL", "LOG_LEVEL"])
})

test("in production no process starts with either of development's ways to sign in", () => {
  expect(errorOf({ ...PRODUCTION, AUTH_DEV_TOKENS: "1" })).toStartWith("AUTH_DEV_TOKENS: ")
  expect(errorOf({ ...PRODUCTION, FIREBASE_AUTH_EMULATOR_HOST: "127.0.0.1:9099" })).toStartWith("FIREBASE_AUTH_EMULATOR_HOST: ")
  expect(readConfig({ ...PRODUCTION, AUTH_DEV_TOKENS: "0", FIREBASE_AUTH_EMULATOR_HOST: "" }).auth).toEqual({
    projectId: "clinic-project",
    emulatorHost: undefined,
    devTokens: false,
  })
})

test("in production the Firebase project must be named", () => {
  expect(errorOf({ ...PRODUCTION, FIREBASE_PROJECT_ID: undefined })).toStartWith("FIREBASE_PROJECT_ID: ")
})

test("in development both ways to sign in can be set", () => {
  const auth = readConfig({ ...LEAST, AUTH_DEV_TOKENS: "1", FIREBASE_AUTH_EMULATOR_HOST: "localhost:9099" }).auth
  expect(auth).toEqual({ projectId: "demo-pulsecal", emulatorHost: "localhost:9099", devTokens: true })
})
