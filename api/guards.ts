/** Who may call: a verified token, a limit per caller, a role. */
import type { Context, MiddlewareHandler } from "hono"
import { createMiddleware } from "hono/factory"
import { LRUCache } from "lru-cache"
import type { TokenVerifier } from "../core/auth/firebase.ts"
import { type Identity, type Principal, type Role, requireActive } from "../core/auth/principal.ts"
import { findPrincipal } from "../core/auth/queries.ts"
import type { Pool } from "../core/db.ts"
import { forbidden, Refusal } from "../core/errors.ts"
import { saying } from "./description/describe.ts"
import type { Env } from "./env.ts"
import type { RateLimits } from "./rate-limit.ts"
import { requireReadableBody } from "./request-body.ts"
import { requireReadableQuery } from "./validate.ts"

/** About 200 bytes each. */
const PRINCIPALS_MAX = 50_000

/** What no route can make sense of is refused once it is known who asks, so that the audit can say who it was. */
function requireReadable(c: Context<Env>): void {
  requireReadableQuery(c.req.url)
  requireReadableBody(c)
}

type As<R extends Role> = Env & { Variables: { principal: Extract<Principal, { role: R }> } }

export type Guards = {
  /** Who calls, within their limits: found out once for each call, however often it is asked. */
  identify: (c: Context<Env>) => Promise<Identity>
  /** Anyone with a valid token. */
  signedIn: MiddlewareHandler<Env>
  /** As {@link signedIn}, with the profile read, whatever it is. */
  known: MiddlewareHandler<Env>
  /** Only these roles, and of receptionists only those who work at the desk now; others are answered 403. */
  only: <R extends Role>(...roles: R[]) => MiddlewareHandler<As<R>>
  /** As {@link only}, with receptionists of whatever status. */
  linked: <R extends Role>(...roles: R[]) => MiddlewareHandler<As<R>>
}

export function createGuards(verifier: TokenVerifier, pool: Pool, limits: RateLimits): Guards {
  const principals = rememberPrincipals(pool)
  const identifyNow = async (c: Context<Env>) => {
    const header = c.req.header("authorization")
    const identity = rememberedIdentity(verifier, header) ?? (await verifier.verify(bearer(header)))
    c.set("identity", identity)
    await limits.take(c, identity.uid)
    return identity
  }
  const identify = (c: Context<Env>) => {
    const begun = c.get("identified") ?? identifyNow(c)
    c.set("identified", begun)
    return begun
  }
  const recognize = async (c: Context<Env>) => {
    const principal = { ...(await principals(await identify(c))), address: c.get("address") }
    c.set("principal", principal)
    return principal
  }
  const restrict = <R extends Role>(roles: R[], isActive: boolean) => {
    const guard: MiddlewareHandler = async (c, next) => {
      const principal = await recognize(c as unknown as Context<Env>)
      if (!(roles as (Role | null)[]).includes(principal.role)) throw forbidden(`This is for ${roles.join(" or ")} only.`)
      if (isActive && principal.role === "RECEPTIONIST") requireActive(principal)
      requireReadable(c)
      await next()
    }
    return saying(guard, { caller: roles })
  }
  return {
    identify,
    signedIn: saying(
      createMiddleware<Env>(async (c, next) => {
        await identify(c)
        requireReadable(c)
        await next()
      }),
      { caller: "anyone" },
    ),
    known: saying(
      createMiddleware<Env>(async (c, next) => {
        await recognize(c)
        requireReadable(c)
        await next()
      }),
      { caller: "anyone" },
    ),
    only: (...roles) => restrict(roles, true),
    linked: (...roles) => restrict(roles, false),
  }
}

const SCHEME = "Bearer "

/** Who an Authorization header speaks of, if that is known without verifying anything. */
export function rememberedIdentity(verifier: TokenVerifier, header: string | null | undefined): Identity | undefined {
  return header?.startsWith(SCHEME) ? verifier.cached(header.slice(SCHEME.length)) : undefined
}

function bearer(header: string | undefined): string {
  const token = header?.match(/^Bearer +([^\s]+) *$/i)?.[1]
  if (!token) throw new Refusal("unauthorized", "A bearer token is required.")
  return token
}

/** Patients and doctors stay what they are, so they are remembered; a receptionist's status is read every time, and so is a newcomer. */
function rememberPrincipals(pool: Pool): (identity: Identity) => Promise<Principal> {
  const known = new LRUCache<string, Principal>({ max: PRINCIPALS_MAX })
  return async ({ uid }) => {
    const remembered = known.get(uid)
    if (remembered) return remembered
    const principal = await findPrincipal(pool, uid)
    if (principal.role === "PATIENT" || principal.role === "DOCTOR") known.set(uid, principal)
    return principal
  }
}
