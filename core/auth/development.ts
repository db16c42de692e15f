import { base64url } from "jose"
import { issuerOf } from "./claims.ts"

export type DevelopmentToken = {
  projectId: string
  uid: string
  expiresInSeconds: number
  /** Epoch milliseconds. */
  now?: number
}

/**
 * A token as the Firebase Auth emulator makes them: unsigned, its claims those of a custom sign-in. Only a verifier with `devTokens` accepts it.
 * (jose's own encoder for unsigned tokens leaves out the `typ` that the emulator writes.)
 */
export function mintDevelopmentToken({ projectId, uid, expiresInSeconds, now = Date.now() }: DevelopmentToken): string {
  const issuedAt = Math.floor(now / 1000)
  const claims = {
    auth_time: issuedAt,
    user_id: uid,
    firebase: { identities: {}, sign_in_provider: "custom" },
    iat: issuedAt,
    exp: issuedAt + expiresInSeconds,
    aud: projectId,
    iss: issuerOf(projectId),
    sub: uid,
  }
  return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`
}

function part(value: object): string {
  return base64url.encode(JSON.stringify(value))
}
