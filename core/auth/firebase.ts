/** Verifies Firebase ID tokens: Google's in production; the Auth emulator's, or ones of the same make, in development. */
import { Agent } from "node:http"
import { Agent as TlsAgent } from "node:https"
import { initializeApp } from "firebase-admin/app"
import { type Auth, getAuth } from "firebase-admin/auth"
import { decodeProtectedHeader, UnsecuredJWT } from "jose"
import { LRUCache } from "lru-cache"
import { type AuthConfig, withAuthEmulator } from "../config.ts"
import { Refusal } from "../errors.ts"
import { Certificates } from "./certificates.ts"
import { type Claims, expiredToken, identityOf, invalidToken } from "./claims.ts"
import type { Identity } from "./principal.ts"
import { RETRY_AFTER_SECONDS, Upstream, UpstreamFailure } from "./upstream.ts"

/** Firebase's tokens have about 1 kB, and at most 1 kB of custom claims. */
const MAX_TOKEN_CHARS = 8_192
/** Three parts of base64url; the third is empty where nothing signed. */
const TOKEN_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]*$/
/** People who are active at one time on one process. An entry has about 300 bytes, so 15 MB at most. */
export const MAX_CACHED_TOKENS = 50_000
/** A verified token is looked at again after this long, so that a withdrawn key or an emulator's deleted user is noticed. */
export const MAX_CACHE_AGE_MS = 300_000

export type TokenVerifier = {
  /** What {@link verify} answers, without waiting: the identity, if this token was verified lately; undefined says nothing about the token. */
  cached(token: string): Identity | undefined
  /** Refuses with "unauthorized" (the token) or "unavailable" (Google's certificates or the emulator cannot be reached, so nobody can tell). */
  verify(token: string | undefined): Promise<Identity>
}

export type VerifierOptions = {
  /** Fetches Google's certificates; a proxy's agent, or a test's. It is watched from then on, so it must be the verifier's own. */
  certificateAgent?: TlsAgent
  /** Epoch milliseconds. */
  clock?: () => number
  maxCachedTokens?: number
}

/** Returns a token's claims, its signature checked. May throw anything; only an `UpstreamFailure` is not the token's fault. */
type Open = (token: string) => Promise<Claims>

/** Where an emulator is configured it is asked, development's own tokens or not: it is the stricter one. */
export function createVerifier(config: AuthConfig, options: VerifierOptions = {}): TokenVerifier {
  const clock = options.clock ?? Date.now
  if (config.emulatorHost) return new CachingVerifier(fromEmulator(config.projectId, config.emulatorHost), config.projectId, clock, options)
  if (config.devTokens) return new CachingVerifier(unsigned(clock), config.projectId, clock, options)
  const agent = options.certificateAgent ?? new TlsAgent()
  return new CachingVerifier(signedByGoogle(config.projectId, agent), config.projectId, clock, options)
}

function signedByGoogle(projectId: string, agent: TlsAgent): Open {
  const certificates = new Certificates(agent)
  const auth = firebaseAuth(projectId, agent, undefined)
  return async (token) => {
    // firebase-admin would accept unsigned tokens if it ever believed to be in emulator mode. Production does not depend on that.
    if (decodeProtectedHeader(token).alg !== "RS256") throw invalidToken()
    return await certificates.use(() => auth.verifyIdToken(token))
  }
}

function fromEmulator(projectId: string, host: string): Open {
  const agent = new Agent()
  const emulator = new Upstream(agent, (answer) => (answer.status >= 500 ? `the Auth emulator answered ${answer.status}` : undefined))
  const auth = firebaseAuth(projectId, agent, host)
  return (token) => emulator.run(() => auth.verifyIdToken(token))
}

/**
 * Signed tokens are refused here: nobody checked their signature, and whoever holds one has a production to use it in. Of tokens that
 * people write by hand nobody needs to know when they were issued: without `iat` and `auth_time` they are as if from long ago.
 */
function unsigned(clock: () => number): Open {
  return async (token) => ({ iat: 0, auth_time: 0, ...UnsecuredJWT.decode(token, { currentDate: new Date(clock()) }).payload })
}

function firebaseAuth(projectId: string, httpAgent: Agent, emulatorHost: string | undefined): Auth {
  // Apps are registered by name; a name of its own keeps each verifier's certificates and agent apart.
  const app = initializeApp({ projectId, httpAgent }, `verifier-${Bun.randomUUIDv7()}`)
  return withAuthEmulator(emulatorHost, () => getAuth(app))
}

/** `second`: of the two marks of its token; the first is the key. */
type Entry = { second: Mark; identity: Identity; untilMs: number }

class CachingVerifier implements TokenVerifier {
  readonly #marks = createMarks()
  readonly #entries: LRUCache<Mark, Entry>
  readonly #running = new Map<string, Promise<Identity>>()

  constructor(
    private readonly open: Open,
    private readonly projectId: string,
    private readonly clock: () => number,
    options: VerifierOptions,
  ) {
    this.#entries = new LRUCache({ max: options.maxCachedTokens ?? MAX_CACHED_TOKENS })
  }

  cached(token: string): Identity | undefined {
    return token.length > MAX_TOKEN_CHARS ? undefined : this.#find(token)
  }

  async verify(token: string | undefined): Promise<Identity> {
    if (typeof token !== "string" || token === "") throw new Refusal("unauthorized", "Sign in first: a bearer token is required.")
    if (token.length > MAX_TOKEN_CHARS) throw invalidToken()
    const found = this.#find(token)
    if (found) return found
    // Those who bring one token at one time share the work.
    const digest = Bun.SHA256.hash(token, "base64")
    const running = this.#running.get(digest)
    if (running) return await running
    const work = this.#check(token).finally(() => this.#running.delete(digest))
    this.#running.set(digest, work)
    return await work
  }

  #find(token: string): Identity | undefined {
    const first = this.#marks.first(token)
    const entry = this.#entries.get(first)
    if (entry?.second !== this.#marks.second(token)) return undefined
    if (this.clock() < entry.untilMs) return entry.identity
    this.#entries.delete(first)
    return undefined
  }

  async #check(token: string): Promise<Identity> {
    if (!TOKEN_SHAPE.test(token)) throw invalidToken()
    const claims = await this.open(token).catch((error: unknown) => {
      throw refusal(error)
    })
    const now = this.clock()
    const identity = identityOf(claims, this.projectId, now)
    const second = this.#marks.second(token)
    this.#entries.set(this.#marks.first(token), { second, identity, untilMs: Math.min(identity.expiresAt * 1000, now + MAX_CACHE_AGE_MS) })
    return identity
  }
}

type Mark = number | bigint

/**
 * A verified token is known again by two marks of 64 bits, so that no token lies in memory. They are made by two unrelated hashes
 * under keys drawn for this cache, and never shown. Whoever wants to pass for somebody would have to hit both marks of a token they
 * do not know, with keys they do not know, at one try in 2^128; with their own token's marks they would only be themselves. A
 * cryptographic digest promises more, that nobody finds a pair even when seeing the digests, and took a twentieth of a search.
 */
function createMarks(): { first: (token: string) => Mark; second: (token: string) => Mark } {
  const [firstKey, secondKey] = crypto.getRandomValues(new BigUint64Array(2)) as unknown as [bigint, bigint]
  return { first: (token) => Bun.hash.wyhash(token, firstKey), second: (token) => Bun.hash.xxHash64(token, secondKey) }
}

/** The libraries' errors quote the token's claims, so none is passed on; a failure of the other side is. */
function refusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof UpstreamFailure)
    return new Refusal("unavailable", "Tokens cannot be verified at the moment. Try again soon.", {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      cause: error,
    })
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return code === "auth/id-token-expired" || code === "ERR_JWT_EXPIRED" ? expiredToken() : invalidToken()
}
