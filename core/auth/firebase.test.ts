import { beforeAll, expect, test } from "bun:test"
import fc from "fast-check"
import { base64url, SignJWT } from "jose"
import {
  type CertificateServer,
  certificateServer,
  type Mood,
  type SigningKey,
  signingKey,
} from "../../tests/harness/certificate-server.ts"
import { Refusal } from "../errors.ts"
import { mintDevelopmentToken } from "./development.ts"
import { createVerifier, type TokenVerifier } from "./firebase.ts"

const PROJECT = "clinic-project"
/** What the promise to answer within a bound comes to: one timeout of 3 s, and a margin for a busy machine. */
const REFUSED_WITHIN_MS = 5_000

let key: SigningKey
let otherKey: SigningKey
beforeAll(async () => {
  key = await signingKey("key-1")
  otherKey = await signingKey("key-2")
})

const seconds = () => Math.floor(Date.now() / 1000)

function claims(changes: Record<string, unknown> = {}) {
  const now = seconds()
  const iss = `https://securetoken.google.com/${PROJECT}`
  return { iss, aud: PROJECT, sub: "person-1", user_id: "person-1", auth_time: now, iat: now, exp: now + 3600, ...changes }
}

function verifierAt(server: CertificateServer): TokenVerifier {
  return createVerifier({ projectId: PROJECT, devTokens: false }, { certificateAgent: server.agent() })
}

async function refusalOf(verdict: Promise<unknown>): Promise<Refusal> {
  const error = await verdict.then(
    (value) => new Error(`was accepted: ${JSON.stringify(value)}`),
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(Refusal)
  return error as Refusal
}

const unsigned = (header: object, payload: object, signature = "") =>
  `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(payload))}.${signature}`

test("a token signed by Google's key for this project is the person it names, until it expires", async () => {
  await using server = await certificateServer([otherKey, key])
  const longest = "u".repeat(128)
  const exp = seconds() + 600
  const verifier = verifierAt(server)
  expect(await verifier.verify(await key.sign(claims({ exp })))).toEqual({ uid: "person-1", expiresAt: exp })
  expect(await verifier.verify(await otherKey.sign(claims({ sub: longest, exp })))).toEqual({ uid: longest, expiresAt: exp })
})

const BAD_CLAIMS: [string, Record<string, unknown>][] = [
  ["expired an hour ago", { iat: seconds() - 7200, auth_time: seconds() - 7200, exp: seconds() - 3600 }],
  ["expired a second ago", { exp: seconds() - 1 }],
  ["never expires", { exp: undefined }],
  ["expires at a text", { exp: String(seconds() + 3600) }],
  ["is another project's", { aud: "other-project", iss: "https://securetoken.google.com/other-project" }],
  ["has another audience", { aud: "other-project" }],
  ["has this project as one audience of two", { aud: [PROJECT, "other-project"] }],
  ["has no audience", { aud: undefined }],
  ["has another issuer", { iss: `https://securetoken.example.com/${PROJECT}` }],
  ["is a session cookie", { iss: `https://session.firebase.google.com/${PROJECT}` }],
  ["has no subject", { sub: undefined }],
  ["has no subject, as messages about sign-in have none", { sub: undefined, event_type: "beforeSendSms" }],
  ["has an empty subject", { sub: "" }],
  ["has a subject of 129 characters", { sub: "u".repeat(129) }],
  ["has a number as subject", { sub: 7 }],
  ["has a NUL in its subject", { sub: "a\0b" }],
  ["has half a surrogate pair in its subject", { sub: "a\ud800" }],
  ["was issued tomorrow", { iat: seconds() + 86_400 }],
  ["has no time of issue", { iat: undefined }],
  ["belongs to a sign-in of tomorrow", { auth_time: seconds() + 86_400 }],
  ["has no time of sign-in", { auth_time: undefined }],
  ["is valid from tomorrow on", { nbf: seconds() + 86_400 }],
]

test("a well-signed token with any claim wrong is unauthorized", async () => {
  await using server = await certificateServer([key])
  const verifier = verifierAt(server)
  for (const [what, changes] of BAD_CLAIMS) {
    const refusal = await refusalOf(verifier.verify(await key.sign(claims(changes))))
    expect([what, refusal.code]).toEqual([what, "unauthorized"])
  }
})

async function forgeries(): Promise<[string, string | undefined][]> {
  const good = await key.sign(claims())
  const [header = "", payload = "", signature = ""] = good.split(".")
  const tampered = base64url.encode(JSON.stringify(claims({ sub: "person-2" })))
  const flipped = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`
  const secret = new TextEncoder().encode(key.certificate)
  const hs256 = await new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: key.kid, typ: "JWT" }).sign(secret)
  return [
    ["missing", undefined],
    ["empty", ""],
    ["no token", "token"],
    ["two parts", `${header}.${payload}`],
    ["four parts", `${good}.${signature}`],
    ["parts that are no JSON", "abc.def.ghi"],
    ["parts that are JSON but no objects", unsigned([], "text" as never, "abc")],
    ["a payload of null", unsigned({ alg: "RS256", kid: key.kid }, null as never, "abc")],
    ["surrounded by blanks", ` ${good} `],
    ["over the size bound", await key.sign(claims({ padding: "x".repeat(8_192) }))],
    ["another key under a known key's id", await otherKey.sign(claims(), { kid: key.kid })],
    ["an unknown key id", await key.sign(claims(), { kid: "key-9" })],
    ["an unknown key id that objects know", await key.sign(claims(), { kid: "constructor" })],
    ["no key id", await key.sign(claims(), { kid: undefined })],
    ["a changed payload", `${header}.${tampered}.${signature}`],
    ["a changed signature", `${header}.${payload}.${flipped}`],
    ["no signature", `${header}.${payload}.`],
    ["HS256 with the certificate as secret", hs256],
    ["alg none", mintDevelopmentToken({ projectId: PROJECT, uid: "person-1", expiresInSeconds: 600 })],
    ["alg none with a key id", unsigned({ alg: "none", kid: key.kid, typ: "JWT" }, claims())],
    ["alg NONE with a signature", unsigned({ alg: "NONE", kid: key.kid }, claims(), signature)],
    ["alg ES256 over an RSA key", unsigned({ alg: "ES256", kid: key.kid }, claims(), signature)],
  ]
}

test("a forged token of any kind is unauthorized, and so is none", async () => {
  await using server = await certificateServer([key])
  const verifier = verifierAt(server)
  for (const [what, token] of await forgeries()) {
    const refusal = await refusalOf(verifier.verify(token))
    expect([what, refusal.code]).toEqual([what, "unauthorized"])
    expect([what, verifier.cached(token ?? "")]).toEqual([what, undefined])
  }
})

test("whatever stands in header and payload, the answer is a refusal and never another error", async () => {
  await using server = await certificateServer([key])
  const verifier = verifierAt(server)
  const header = fc.oneof(fc.jsonValue(), fc.record({ alg: fc.constantFrom("RS256", "none", "HS256", 7, null), kid: fc.jsonValue() }))
  await fc.assert(
    fc.asyncProperty(header, fc.jsonValue(), fc.base64String(), async (h, p, s) => {
      const token = unsigned(h as object, p as object, s.replaceAll(/[+/=]/g, ""))
      expect((await refusalOf(verifier.verify(token))).code).toBe("unauthorized")
    }),
    { numRuns: 300 },
  )
})

test("no refusal carries anything of the token", async () => {
  await using server = await certificateServer([key])
  const secretive = claims({ sub: "secret-person", aud: "secret-audience", iss: "secret-issuer" })
  const tokens = [
    await key.sign(secretive),
    await key.sign(claims({ sub: "secret-person", exp: 1 })),
    unsigned({ alg: "secret-alg" }, secretive),
  ]
  const inDevelopment = createVerifier({ projectId: PROJECT, devTokens: true })
  for (const verifier of [verifierAt(server), inDevelopment])
    for (const token of [...tokens, unsigned({ alg: "none" }, secretive)]) {
      const said = Bun.inspect(await refusalOf(verifier.verify(token)), { depth: 9 })
      expect(said).not.toContain("secret")
      expect(said).not.toContain(token.slice(0, 20))
    }
})

const OUTAGES: [string, Mood | "down"][] = [
  ["nobody listens", "down"],
  ["status 500 with an error", { status: 500, body: '{"error":"oops"}' }],
  ["status 500 with certificates", { status: 500 }],
  ["status 503", { status: 503, body: "" }],
  ["status 404 with JSON", { status: 404, body: "{}" }],
  ["a page instead of certificates", { status: 200, body: "<html></html>" }],
  ["an error instead of certificates", { status: 200, body: '{"error":"oops"}' }],
  ["an answer without end", { status: 200, body: `{"a":"${"x".repeat(400_000)}"}` }],
  ["an answer that breaks off", "half"],
  ["no answer", "hang"],
]

for (const [what, mood] of OUTAGES)
  test.concurrent(`certificates cannot be had (${what}): unavailable within seconds, and well again without a restart`, async () => {
    await using server = await certificateServer([key])
    const verifier = verifierAt(server)
    if (mood === "down") await server.down()
    else server.mood = mood
    const good = await key.sign(claims())
    const forged = await otherKey.sign(claims(), { kid: key.kid })
    const wrongProject = await key.sign(claims({ aud: "other" }))
    const startedAt = performance.now()
    const refusals = await Promise.all([good, forged].map((token) => refusalOf(verifier.verify(token))))
    expect(performance.now() - startedAt).toBeLessThan(REFUSED_WITHIN_MS)
    expect(refusals.map((r) => [r.code, r.retryAfterSeconds])).toEqual([
      ["unavailable", 1],
      ["unavailable", 1],
    ])
    // What needs no certificate to be seen is still the token's fault.
    expect((await refusalOf(verifier.verify(wrongProject))).code).toBe("unauthorized")
    if (mood === "down") await server.up()
    else server.mood = "well"
    await Bun.sleep(1_000 * (refusals[0]?.retryAfterSeconds ?? 0) + 50)
    expect((await verifier.verify(good)).uid).toBe("person-1")
    expect((await refusalOf(verifier.verify(forged))).code).toBe("unauthorized")
  })

test.concurrent("a hundred people who arrive before the certificates cause one fetch, or one during an outage", async () => {
  await using server = await certificateServer([key])
  const tokens = await Promise.all(Array.from({ length: 100 }, (_, i) => key.sign(claims({ sub: `person-${i}` }))))
  const verifier = verifierAt(server)
  const people = await Promise.all(tokens.map((token) => verifier.verify(token)))
  expect(people.map((p) => p.uid)).toEqual(tokens.map((_, i) => `person-${i}`))
  expect(server.fetches).toBe(1)
  server.mood = "hang"
  const unlucky = verifierAt(server)
  const startedAt = performance.now()
  const refusals = await Promise.all(tokens.map((token) => refusalOf(unlucky.verify(token))))
  expect(performance.now() - startedAt).toBeLessThan(REFUSED_WITHIN_MS)
  expect(new Set(refusals.map((r) => r.code))).toEqual(new Set(["unavailable"]))
  expect(server.fetches).toBe(2)
})

test("with certificates at hand an outage changes nothing: good tokens pass and forged ones are unauthorized", async () => {
  await using server = await certificateServer([key])
  const verifier = verifierAt(server)
  await verifier.verify(await key.sign(claims()))
  await server.down()
  expect((await verifier.verify(await key.sign(claims({ sub: "person-2" })))).uid).toBe("person-2")
  expect((await refusalOf(verifier.verify(await otherKey.sign(claims(), { kid: key.kid })))).code).toBe("unauthorized")
})

test("certificates past their age are fetched again; during an outage only tokens verified before still pass", async () => {
  await using server = await certificateServer([key], 1)
  const verifier = verifierAt(server)
  const known = await key.sign(claims())
  await verifier.verify(known)
  await Bun.sleep(1_100)
  server.mood = { status: 500, body: "" }
  expect((await refusalOf(verifier.verify(await key.sign(claims({ sub: "person-2" }))))).code).toBe("unavailable")
  expect((await verifier.verify(known)).uid).toBe("person-1")
})

test("production refuses unsigned tokens even where the environment speaks of an emulator", async () => {
  await using server = await certificateServer([key])
  process.env.FIREBASE_AUTH_EMULATOR_HOST = "127.0.0.1:9"
  try {
    const verifier = verifierAt(server)
    const token = mintDevelopmentToken({ projectId: PROJECT, uid: "person-1", expiresInSeconds: 600 })
    expect((await refusalOf(verifier.verify(token))).code).toBe("unauthorized")
    expect((await verifier.verify(await key.sign(claims()))).uid).toBe("person-1")
    expect(process.env.FIREBASE_AUTH_EMULATOR_HOST).toBe("127.0.0.1:9")
  } finally {
    delete process.env.FIREBASE_AUTH_EMULATOR_HOST
  }
})
