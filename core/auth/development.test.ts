import { expect, test } from "bun:test"
import { base64url, generateKeyPair, SignJWT, UnsecuredJWT } from "jose"
import { freePort } from "../../tests/harness/services.ts"
import { mintDevelopmentToken } from "./development.ts"
import { createVerifier } from "./firebase.ts"

const PROJECT = "demo-clinic"
const verifier = createVerifier({ projectId: PROJECT, devTokens: true })
const refused = { name: "Refusal", code: "unauthorized" }

const now = () => Math.floor(Date.now() / 1000)

function token(changes: Record<string, unknown> = {}, header: object = { alg: "none", typ: "JWT" }): string {
  const { payload } = UnsecuredJWT.decode(mintDevelopmentToken({ projectId: PROJECT, uid: "person-1", expiresInSeconds: 3600 }))
  return `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify({ ...payload, ...changes }))}.`
}

test("a development token has the emulator's header and claims, and is the person it was made for", async () => {
  const minted = mintDevelopmentToken({ projectId: PROJECT, uid: "zoë", expiresInSeconds: 60, now: Date.UTC(2030, 0, 1) })
  const issuedAt = Date.UTC(2030, 0, 1) / 1000
  const [header = "", payload = "", signature] = minted.split(".")
  expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "none", typ: "JWT" })
  expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toEqual({
    iss: "https://securetoken.google.com/demo-clinic",
    aud: "demo-clinic",
    sub: "zoë",
    user_id: "zoë",
    auth_time: issuedAt,
    iat: issuedAt,
    exp: issuedAt + 60,
    firebase: { identities: {}, sign_in_provider: "custom" },
  })
  expect(signature).toBe("")
  const then = createVerifier({ projectId: PROJECT, devTokens: true }, { clock: () => Date.UTC(2030, 0, 1) })
  expect(await then.verify(minted)).toEqual({ uid: "zoë", expiresAt: issuedAt + 60 })
})

const WRONG: [string, string][] = [
  ["another project's", mintDevelopmentToken({ projectId: "demo-other", uid: "person-1", expiresInSeconds: 60 })],
  ["expired", token({ exp: now() - 1 })],
  ["without an end", token({ exp: undefined })],
  ["with an end that is no whole number", token({ exp: now() + 0.5 + 60 })],
  ["for another audience", token({ aud: "demo-other" })],
  ["for two audiences", token({ aud: [PROJECT, "demo-other"] })],
  ["of another issuer", token({ iss: "https://securetoken.google.com/demo-other" })],
  ["issued tomorrow", token({ iat: now() + 86_400 })],
  ["with a time of issue that is no number", token({ iat: "yesterday" })],
  ["signed in tomorrow", token({ auth_time: now() + 86_400 })],
  ["valid from tomorrow on", token({ nbf: now() + 86_400 })],
  ["without a subject", token({ sub: undefined })],
  ["with an empty subject", token({ sub: "" })],
  ["with a subject over 128 characters", token({ sub: "u".repeat(129) })],
  ["with a NUL in its subject", token({ sub: "a\0" })],
  ["with a subject that is no text", token({ sub: { id: "person-1" } })],
  ["with a signature", `${token()}AAAA`],
  ["with a header that says RS256", token({}, { alg: "RS256" })],
  ["with a critical extension", token({}, { alg: "none", crit: ["x"], x: 1 })],
  ["over the size bound", token({ padding: "x".repeat(8_192) })],
]

for (const [what, wrong] of WRONG)
  test(`in development a token ${what} is unauthorized`, async () => {
    await expect(verifier.verify(wrong)).rejects.toMatchObject(refused)
  })

test("in development a token needs no time of issue or sign-in", async () => {
  for (const without of [{ iat: undefined }, { auth_time: undefined }, { iat: undefined, auth_time: undefined }])
    expect((await verifier.verify(token(without))).uid).toBe("person-1")
})

test("in development a signed token is unauthorized, since nobody would check its signature", async () => {
  const { privateKey } = await generateKeyPair("RS256")
  const { payload } = UnsecuredJWT.decode(token())
  const signed = await new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: "key-1", typ: "JWT" }).sign(privateKey)
  await expect(verifier.verify(signed)).rejects.toMatchObject(refused)
})

test("a host whose clock lags a few minutes behind the issuer's accepts a token made this moment", async () => {
  const lagging = createVerifier({ projectId: PROJECT, devTokens: true }, { clock: () => Date.now() - 240_000 })
  expect((await lagging.verify(token())).uid).toBe("person-1")
})

test("an emulator that cannot be reached is unavailable, not unauthorized, and is asked even where development tokens are on", async () => {
  const emulatorHost = `127.0.0.1:${await freePort()}`
  const before = process.env.FIREBASE_AUTH_EMULATOR_HOST
  const asking = createVerifier({ projectId: PROJECT, emulatorHost, devTokens: true })
  expect(process.env.FIREBASE_AUTH_EMULATOR_HOST).toBe(before)
  await expect(asking.verify(token())).rejects.toMatchObject({ name: "Refusal", code: "unavailable", retryAfterSeconds: 1 })
  await expect(asking.verify(token({ aud: "demo-other" }))).rejects.toMatchObject(refused)
})

test("an emulator that fails or hangs is unavailable within seconds", async () => {
  await using broken = serverThat(() => new Response("{}", { status: 500 }))
  await using silent = serverThat(() => new Promise<Response>(() => {}))
  for (const { port } of [broken, silent]) {
    const asking = createVerifier({ projectId: PROJECT, emulatorHost: `127.0.0.1:${port}`, devTokens: false })
    const startedAt = performance.now()
    expect(await asking.verify(token()).catch((e) => e.code)).toBe("unavailable")
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  }
})

function serverThat(fetch: () => Response | Promise<Response>): { port: number } & AsyncDisposable {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch })
  return { port: server.port as number, [Symbol.asyncDispose]: () => server.stop(true) }
}
