/** `Authorization` headers that must let nobody in, each with what is wrong with it. */
import { base64url } from "jose"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import { PROJECT } from "./api.ts"

const encode = (value: object) => base64url.encode(JSON.stringify(value))

/** Made in the name of `uid`, who has a profile: whoever believed one would let its bearer do something. */
export function badTokens(uid: string): [what: string, authorization: string | undefined][] {
  const good = mintDevelopmentToken({ projectId: PROJECT, uid, expiresInSeconds: 3600 })
  const [header = "", payload = ""] = good.split(".")
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object
  const bearer = (changes: object, head: object = { alg: "none", typ: "JWT" }, signature = "") =>
    `Bearer ${encode(head)}.${encode({ ...claims, ...changes })}.${signature}`
  const now = Math.floor(Date.now() / 1000)
  return [
    ["none", undefined],
    ["empty", ""],
    ["no credentials", "Bearer"],
    ["another scheme", `Basic ${Buffer.from(`${uid}:${uid}`).toString("base64")}`],
    ["another scheme with a good token", `Token ${good}`],
    ["no scheme", good],
    ["two tokens", `Bearer ${good} ${good}`],
    ["two headers in one", `Bearer ${good}, Bearer ${good}`],
    ["no token", "Bearer abc"],
    ["parts of nothing", "Bearer a.b.c"],
    ["two parts", `Bearer ${header}.${payload}`],
    ["four parts", `Bearer ${good}.x`],
    ["a claim cut short", `Bearer ${header}.${payload.slice(0, -4)}.`],
    ["expired", bearer({ iat: now - 7200, auth_time: now - 7200, exp: now - 1 })],
    ["without an end", bearer({ exp: undefined })],
    ["of another project", bearer({ aud: "another", iss: "https://securetoken.google.com/another" })],
    ["for another audience", bearer({ aud: "another" })],
    ["of another issuer", bearer({ iss: "https://securetoken.google.com/another" })],
    ["without a subject", bearer({ sub: undefined })],
    ["with an empty subject", bearer({ sub: "" })],
    ["with a subject that is too long", bearer({ sub: uid.padEnd(129, "x") })],
    ["with a list of subjects", bearer({ sub: [uid] })],
    ["of tomorrow", bearer({ iat: now + 86_400 })],
    ["forged, with a signature", bearer({}, { alg: "RS256", typ: "JWT", kid: "key-1" }, "c2lnbmVk")],
    ["forged, by a shared secret", bearer({}, { alg: "HS256", typ: "JWT" }, "c2lnbmVk")],
  ]
}
