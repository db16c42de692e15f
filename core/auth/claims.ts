/** The rules for an ID token's claims, the same for signed, emulated and development tokens. */
import { Refusal } from "../errors.ts"
import type { Identity } from "./principal.ts"

/** Firebase's own bound on a user id. */
export const MAX_UID_CHARS = 128
/** How far a host's clock may lag behind the issuer's: a token made this moment must not be refused. Firebase's Java SDK allows as much. */
const MAX_CLOCK_LAG_SECONDS = 300

const ISSUER = "https://securetoken.google.com"

export type Claims = Record<string, unknown>

export function issuerOf(projectId: string): string {
  return `${ISSUER}/${projectId}`
}

/** Neither says more than the caller may know, and neither carries a cause: the libraries' errors quote claims. */
export const invalidToken = () => new Refusal("unauthorized", "The token is not valid here. Sign in again.")
export const expiredToken = () => new Refusal("unauthorized", "The token has expired. Sign in again.")

/**
 * Who the claims speak of, by https://firebase.google.com/docs/auth/admin/verify-id-tokens: `aud` and `iss` are the project's, `exp` lies
 * ahead, `iat` and `auth_time` do not, `sub` is the user. Throws a `Refusal` otherwise.
 */
export function identityOf(claims: Claims, projectId: string, nowMs: number): Identity {
  const { aud, iss, sub, exp, iat, auth_time: authTime } = claims
  const nowSeconds = nowMs / 1000
  if (aud !== projectId || iss !== issuerOf(projectId) || !isUid(sub)) throw invalidToken()
  if (!isPast(iat, nowSeconds) || !isPast(authTime, nowSeconds) || !isInstant(exp)) throw invalidToken()
  if (exp <= nowSeconds) throw expiredToken()
  return { uid: sub, expiresAt: exp }
}

/** The database stores the uid as text, which holds neither NUL nor half a surrogate pair. */
function isUid(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_UID_CHARS && !value.includes("\0") && value.isWellFormed()
}

function isInstant(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isPast(value: unknown, nowSeconds: number): boolean {
  return isInstant(value) && value <= nowSeconds + MAX_CLOCK_LAG_SECONDS
}
