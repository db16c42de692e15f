/** docker-compose.yml and the edge's configuration, read as they stand. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { readConfig } from "../core/config.ts"

type Service = { environment?: Record<string, string>; ports?: string[]; networks?: string[]; command?: string[] }

const ROOT = join(import.meta.dir, "..")
const PROCESSES = ["api", "worker", "realtime"] as const
/** What whoever starts it has to say. */
const GIVEN: Record<string, string> = {
  POSTGRES_PASSWORD: "hunter2",
  FIREBASE_PROJECT_ID: "clinic-project",
  PAYMENT_KEYS: `k1:${Buffer.alloc(32, "clinic").toString("base64")}`,
}

const compose = Bun.YAML.parse(await Bun.file(join(ROOT, "docker-compose.yml")).text()) as { services: Record<string, Service> }
const nginx = await Bun.file(join(ROOT, "deploy/nginx.conf")).text()

const service = (name: string): Service => compose.services[name] ?? {}

/** `${NAME:?why}` and `${NAME:-default}`, as compose puts them in. */
function settingsOf(name: string, given = GIVEN): Record<string, string> {
  const put = (value: string) =>
    value.replace(/\$\{(\w+):[?-]([^}]*)\}/g, (whole, variable, rest) => given[variable] ?? (whole.includes(":-") ? rest : ""))
  return Object.fromEntries(Object.entries(service(name).environment ?? {}).map(([variable, value]) => [variable, put(value)]))
}

test("each process gets a whole production configuration, its card keys and a metrics port that the others can reach", () => {
  for (const name of PROCESSES) {
    const config = readConfig(settingsOf(name))
    expect([name, config.env, config.rateLimit.on, config.metrics]).toEqual([name, "production", true, { host: "0.0.0.0", port: 9464 }])
    expect(config.paymentKeys.map((key) => key.id)).toEqual(["k1"])
    expect(new URL(config.databaseUrl).hostname).toBe("postgres")
  }
})

test("without its card keys nothing is started", () => {
  for (const name of PROCESSES) {
    expect(service(name).environment?.PAYMENT_KEYS).toStartWith("${PAYMENT_KEYS:?")
    expect(() => readConfig(settingsOf(name, { ...GIVEN, PAYMENT_KEYS: "" }))).toThrow("PAYMENT_KEYS")
  }
})

test("only the edge has a public port, and neither metrics nor data can be reached through it", () => {
  const open = Object.keys(compose.services).filter((name) => service(name).ports)
  expect(open).toEqual(["edge"])
  expect(service("edge").ports?.map((mapping) => mapping.split(":").at(-1))).toEqual(["3000"])
  for (const name of ["postgres", "redis", "worker"]) expect([name, service(name).networks]).toEqual([name, ["back"]])
  expect(service("edge").networks).toEqual(["front"])
  const targets = [...nginx.matchAll(/^\s*server (\S+:\d+)/gm)].map(([, target]) => target)
  expect(targets).toEqual(["api:3000", "realtime:3000"])
  expect(nginx).not.toContain("9464")
})

/** What the edge's configuration says of something, wherever it says it. */
const directives = (name: string) => [...nginx.matchAll(new RegExp(`^\\s*${name}\\s+([^;]+);`, "gm"))].map(([, value]) => value)

test("the edge compresses JSON, problems included, and nowhere less: the processes send it as it is", () => {
  expect(directives("gzip")).toEqual(["on"])
  expect(directives("gzip_types").map((types) => types?.split(/\s+/))).toEqual([["application/json", "application/problem+json"]])
  // Caches between must not give it to who cannot read it.
  expect(directives("gzip_vary")).toEqual(["on"])
  // An answer of twenty doctors has some 8 kB.
  expect(Number(directives("gzip_min_length"))).toBeLessThanOrEqual(1_024)
  const parts = nginx.split(/^\s*server \{/m)
  expect([parts.length, parts[0]?.includes("gzip on;")]).toEqual([2, true])
})

test("the edge bounds the calls that are at each api process, but no sockets, and what it refuses is a problem that says when to come back", () => {
  expect(directives("server").filter((value) => value?.includes("max_conns"))).toEqual(["api:3000 resolve max_conns=1000"])
  // Counted together by all of the edge's own processes; and what finds none with room is a bad gateway to nginx.
  expect(nginx).toMatch(/upstream api \{\s+zone api /)
  expect(directives("error_page")).toEqual(["502 503 504 = @unavailable"])
  // The answers of the processes themselves are not replaced.
  expect(directives("proxy_intercept_errors")).toEqual([])
  const [, status, body] = /return (\d+) '([^']+)';/.exec(nginx) ?? []
  expect([directives("add_header"), directives("default_type"), status]).toEqual([
    ["Retry-After 1 always"],
    ["application/problem+json"],
    "503",
  ])
  expect(JSON.parse(body ?? "")).toEqual({
    type: "about:blank",
    title: "Service Unavailable",
    status: 503,
    detail: expect.any(String),
    instance: null,
  })
})
