/** Tricks with tokens, against production's own verifier behind the whole API and at the sockets' door, with Google's side played by a server of certificates. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { createPublicKey, X509Certificate } from "node:crypto"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { base64url, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose"
import { Admission } from "../../api/admission.ts"
import { createApp } from "../../api/app.ts"
import { createGuards } from "../../api/guards.ts"
import { createRateLimits } from "../../api/rate-limit.ts"
import { Bookings } from "../../core/appointments/bookings.ts"
import { Parties } from "../../core/appointments/parties.ts"
import { Recorder } from "../../core/audit/recorder.ts"
import { Unheard } from "../../core/audit/unheard.ts"
import { createVerifier } from "../../core/auth/firebase.ts"
import { createCodeTries } from "../../core/clinics/code-tries.ts"
import { type Config, readConfig } from "../../core/config.ts"
import { Health } from "../../core/health.ts"
import { openLog } from "../../core/log.ts"
import { openRedis } from "../../core/redis.ts"
import { type Realtime, startRealtime } from "../../realtime/server.ts"
import { type CertificateServer, certificateServer, type SigningKey, signingKey } from "../harness/certificate-server.ts"
import { digestOf } from "../harness/contents.ts"
import { listen, listening } from "../harness/realtime.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis, until } from "../harness/services.ts"

const PROJECT = "clinic-project"
const VICTIM = "victim-uid"

let database: TestDatabase
let redis: TestRedis
let google: CertificateServer
let key: SigningKey
/** What a token may name for its key to be fetched from. Nobody ever asks it. */
let lure: Server
const lured: string[] = []
let lureUrl: string
let call: (token: string) => Promise<Response>
let realtime: Realtime
const ends: (() => void)[] = []

beforeAll(async () => {
  ;[database, redis, key] = await Promise.all([testDatabase(), testRedis(), signingKey("key-1")])
  google = await certificateServer([key])
  lure = createServer((request, response) => {
    lured.push(request.url ?? "")
    response.end("{}")
  })
  await new Promise<void>((resolve) => lure.listen(0, "127.0.0.1", resolve))
  lureUrl = `http://127.0.0.1:${(lure.address() as AddressInfo).port}`
  const config = readConfig({
    NODE_ENV: "production",
    PORT: "0",
    HOST: "127.0.0.1",
    DRAIN_MS: "0",
    DATABASE_URL: database.url,
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    FIREBASE_PROJECT_ID: PROJECT,
    PAYMENT_KEYS: `k1:${Buffer.alloc(32, 7).toString("base64")}`,
  })
  call = api(config)
  realtime = startRealtime(config, openLog("test", "silent"), { certificateAgent: google.agent() })
  await until("realtime is ready", () => realtime.health.phase === "ready")
}, 30_000)
afterAll(async () => {
  for (const end of ends) end()
  await realtime.stop()
  lure.close()
  await google[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** The app as production makes it; only where its verifier finds Google is told by us. */
function api(config: Config) {
  const { pool } = database
  const [log, client] = [openLog("test", "silent"), openRedis(redis.config, { name: "test" })]
  ends.push(() => client.disconnect())
  const verifier = createVerifier(config.auth, { certificateAgent: google.agent() })
  const recorder = new Recorder(pool)
  const app = createApp({
    config,
    pool,
    searchDb: { pool, near: pool },
    admission: new Admission(1),
    log,
    health: new Health({ pool, redis: client, version: "test" }),
    guards: createGuards(verifier, pool, createRateLimits({ ...config.rateLimit, on: false }, client, log)),
    desk: { parties: new Parties(), bookings: new Bookings(pool, pool) },
    codes: createCodeTries(client),
    searchIndex: { state: "off", search: () => undefined },
    recorder,
    unheard: new Unheard(recorder, log),
    published: () => {},
  })
  return async (token: string) =>
    await app.request("/api/v1/patients", {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: '{"name":"Vi Victim"}',
    })
}

const seconds = () => Math.floor(Date.now() / 1000)
function claims(changes: JWTPayload = {}): JWTPayload {
  const [now, iss] = [seconds(), `https://securetoken.google.com/${PROJECT}`]
  return { iss, aud: PROJECT, sub: VICTIM, user_id: VICTIM, auth_time: now, iat: now, exp: now + 3600, ...changes }
}
const part = (value: unknown) => base64url.encode(typeof value === "string" ? value : JSON.stringify(value))
const assembled = (header: unknown, payload: unknown, signature = "") => `${part(header)}.${part(payload)}.${signature}`
/** Signed by a key of the attacker's own, under whatever header they like. */
async function signedBy(own: CryptoKey, header: object, alg = "RS256"): Promise<string> {
  return await new SignJWT(claims()).setProtectedHeader({ alg, typ: "JWT", ...header }).sign(own)
}

async function refused(tokens: [string, string][]): Promise<void> {
  const before = await digestOf(database.pool)
  for (const [what, token] of tokens) {
    const response = await call(token)
    const text = await response.text()
    expect([what, response.status, text.includes("Sign in again") || text.includes("bearer token")]).toEqual([what, 401, true])
    expect(text).not.toMatch(/key-1|BEGIN|jose|firebase|kid|signature/i)
  }
  const sockets = tokens.map(([, token], i) => listen(realtime.url, { token, transports: [i % 2 ? "polling" : "websocket"] }))
  await until("each has an answer", () => sockets.every(({ errors, ready }) => errors.length + ready.length > 0), 10_000)
  expect(sockets.map(({ errors, ready }, i) => [tokens[i]?.[0], errors, ready])).toEqual(
    tokens.map(([what]) => [what, ["unauthorized"], []]),
  )
  for (const { socket } of sockets) socket.close()
  expect(await digestOf(database.pool)).toBe(before)
  expect(lured).toEqual([])
  // Each of the two verifiers, once.
  expect(google.fetches).toBeLessThanOrEqual(2)
}

test("no signature, however `none` is written and whatever stands in its place", async () => {
  const algorithms = ["none", "None", "NONE", "nOnE", "none ", " none", "", null, undefined, 0, [], ["RS256"], { alg: "RS256" }, true]
  await refused(
    algorithms.flatMap((alg) =>
      ["", "AAAA", part("signed")].map((signature): [string, string] => [
        `${JSON.stringify(alg)} ${signature}`,
        assembled({ alg, typ: "JWT", kid: "key-1" }, claims(), signature),
      ]),
    ),
  )
})

test("the certificate, or its key, as the secret of a signature that has one", async () => {
  const certificate = key.certificate
  const publicKey = createPublicKey(certificate)
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString()
  const secrets: [string, Uint8Array][] = [
    ["the certificate", Buffer.from(certificate)],
    ["the certificate without its last line end", Buffer.from(certificate.trim())],
    ["the certificate's bytes", new X509Certificate(certificate).raw],
    ["the public key as PEM", Buffer.from(pem)],
    ["the public key as PEM, trimmed", Buffer.from(pem.trim())],
    ["the public key's bytes", publicKey.export({ type: "spki", format: "der" })],
    ["the public key's modulus", Buffer.from((await exportJWK(publicKey)).n ?? "", "base64url")],
    ["the id of the key", Buffer.from("key-1".padEnd(64, "\0"))],
    ["nothing", Buffer.alloc(64)],
  ]
  const tokens: [string, string][] = []
  for (const [what, secret] of secrets)
    for (const alg of ["HS256", "HS384", "HS512"]) {
      const token = await new SignJWT(claims()).setProtectedHeader({ alg, kid: "key-1", typ: "JWT" }).sign(Buffer.concat([secret]))
      tokens.push([`${alg} by ${what}`, token])
      // The same signature, said to be one of the kind that is expected.
      tokens.push([`${alg} by ${what}, called RS256`, assembled({ alg: "RS256", kid: "key-1", typ: "JWT" }, claims(), token.split(".")[2])])
    }
  await refused(tokens)
})

test("a key id that is a path, a statement, an address, a name that objects know, or no text", async () => {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true })
  const kids = [
    "../../../../dev/null",
    "/dev/null",
    "../../proc/sys/kernel/randomize_va_space",
    "key-1/../key-1",
    "key-1\0",
    "key-1\r\nX: y",
    "KEY-1",
    " key-1",
    "",
    "' or '1'='1",
    "key-1'; drop table patients; --",
    "x' union select 'AAAA",
    `${lureUrl}/key`,
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    "|id",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "*",
    "%00",
    "x".repeat(4_000),
  ]
  const odd: unknown[] = [null, 0, 1, true, [], ["key-1"], {}, { toString: "key-1" }]
  await refused([
    ...(await Promise.all(
      kids.map(async (kid): Promise<[string, string]> => [`kid ${kid.slice(0, 40)}`, await signedBy(privateKey, { kid })]),
    )),
    ...odd.map((kid): [string, string] => [
      `kid ${JSON.stringify(kid)}`,
      assembled({ alg: "RS256", typ: "JWT", kid }, claims(), part("x")),
    ]),
  ])
})

test("a key, or where to find it, that the token brings along", async () => {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true })
  const jwk = await exportJWK(publicKey)
  const headers: [string, object][] = [
    ["jwk", { jwk }],
    ["jwk and a known key id", { jwk, kid: "key-1" }],
    ["jku", { jku: `${lureUrl}/jwks`, kid: "key-1" }],
    ["jku of Google, and more", { jku: `https://www.googleapis.com@127.0.0.1/`, kid: "key-1" }],
    ["x5u", { x5u: `${lureUrl}/cert`, kid: "key-1" }],
    ["x5c", { x5c: [new X509Certificate(key.certificate).raw.toString("base64")], kid: "key-1" }],
    ["x5t", { x5t: "AAAA", kid: "key-1" }],
    ["another type", { typ: "at+jwt", kid: "key-1" }],
    ["a nested token", { cty: "JWT", kid: "key-1" }],
  ]
  await refused([
    ...(await Promise.all(headers.map(async ([what, header]): Promise<[string, string]> => [what, await signedBy(privateKey, header)]))),
    ["a critical extension", assembled({ alg: "RS256", kid: "key-1", crit: ["exp"], exp: 0 }, claims(), part("x"))],
    ["a payload that is not encoded", assembled({ alg: "RS256", kid: "key-1", crit: ["b64"], b64: false }, claims(), part("x"))],
  ])
})

test("other algorithms, by keys of the attacker's own and under the known key's id", async () => {
  const tokens: [string, string][] = []
  for (const alg of ["RS384", "RS512", "PS256", "PS512", "ES256", "ES384", "EdDSA"]) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true })
    const token = await signedBy(privateKey, { kid: "key-1" }, alg)
    tokens.push([alg, token], [`${alg}, called RS256`, assembled({ alg: "RS256", kid: "key-1" }, claims(), token.split(".")[2])])
  }
  await refused(tokens)
})

test("a good signature over claims that are not ours to believe", async () => {
  const [now, other] = [seconds(), "another-project"]
  const wrong: [string, JWTPayload][] = [
    ["another audience", { aud: other }],
    ["another issuer", { iss: `https://securetoken.google.com/${other}` }],
    ["audience and issuer swapped", { aud: `https://securetoken.google.com/${PROJECT}`, iss: PROJECT }],
    ["both of another project", { aud: other, iss: `https://securetoken.google.com/${other}` }],
    ["two audiences", { aud: [PROJECT, other] }],
    ["a list of one audience", { aud: [PROJECT] }],
    ["an issuer with more behind it", { iss: `https://securetoken.google.com/${PROJECT}/` }],
    ["an issuer of another scheme", { iss: `http://securetoken.google.com/${PROJECT}` }],
    ["an issuer of Google's other tokens", { iss: "https://accounts.google.com" }],
    ["no subject", { sub: undefined }],
    ["an empty subject", { sub: "" }],
    ["a subject of 129 characters", { sub: "u".repeat(129) }],
    ["a subject of 10,000", { sub: "u".repeat(3_000) }],
    ["a list as subject", { sub: [VICTIM] as never }],
    ["an object as subject", { sub: { toString: VICTIM } as never }],
    ["a subject with NUL", { sub: `${VICTIM}\0` }],
    ["expired", { exp: now - 1 }],
    ["an end in text", { exp: `${now + 3600}` as never }],
    ["an end beyond numbers", { exp: 1e308 }],
    ["of tomorrow", { iat: now + 86_400 }],
  ]
  await refused(await Promise.all(wrong.map(async ([what, changes]): Promise<[string, string]> => [what, await key.sign(claims(changes))])))
})

test("a good token cut, turned, doubled, padded or written in other letters; and the good one itself is let in", async () => {
  const good = await key.sign(claims())
  const [header = "", payload = "", signature = ""] = good.split(".")
  const twice = `{"sub":"other",${JSON.stringify(claims()).slice(1)}`
  const flipped = signature.replace(/^./, (c) => (c === "A" ? "B" : "A"))
  await refused([
    ["no signature", `${header}.${payload}.`],
    ["two parts", `${header}.${payload}`],
    ["four parts", `${good}.${signature}`],
    ["another subject", `${header}.${part(claims({ sub: "other" }))}.${signature}`],
    ["a key said twice", `${header}.${part(twice)}.${signature}`],
    ["another header", `${part({ alg: "RS256", kid: "key-1", typ: "JWT", x: 1 })}.${payload}.${signature}`],
    ["a flipped bit", `${header}.${payload}.${flipped}`],
    ["half a signature", `${header}.${payload}.${signature.slice(0, 100)}`],
    ["padding", `${header}==.${payload}==.${signature}==`],
    ["the alphabet of base64", `${header}.${payload}.${signature.replaceAll("-", "+").replaceAll("_", "/")}+/`],
    ["a line end within", `${header}.\r\n${payload}.${signature}`.replace(/[\r\n]/g, " ")],
    ["percent signs", encodeURIComponent(good).replaceAll(".", "%2E")],
    ["a prefix", `x${good}`],
    ["8 kB of it", `${header}.${"A".repeat(8_200)}.${signature}`],
  ])
  const before = await database.pool`select count(*) from patients`
  expect(before[0]?.count).toBe(0)
  expect((await call(good)).status).toBe(201)
  expect((await call(good)).status).toBe(409)
  const { socket, errors } = await listening(realtime.url, { token: good })
  expect(errors).toEqual([])
  socket.close()
  expect(google.fetches).toBe(2)
})
