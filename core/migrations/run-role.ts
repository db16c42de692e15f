/** The role that the processes run as: a member of pulsecal_app, which may do what they do and no more (sql/0008_roles.sql). */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto"
import { type Config, ConfigError } from "../config.ts"
import { isDenied, isUnavailable, type Pool, SESSION_BOUNDS } from "../db.ts"
import type { Log } from "../log.ts"
import { sleep } from "../time.ts"
import { createRole, grantAppRole, hasRole, listRolePowers, type RolePowers } from "./queries.ts"

/** Made by sql/0008_roles.sql. */
const APP_ROLE = "pulsecal_app"
/** As PostgreSQL's own default. */
const SCRAM_ITERATIONS = 4_096
const SCRAM_SALT_BYTES = 16
const RETRY_MS = 500

/**
 * Makes the role that `runUrl` logs in as, with its password, if the server has none of that name, and lets it do what the processes do.
 * Where it is the very role that migrates, it is let act as pulsecal_app if the URL says so ({@link asAppRole}), and nothing else is done.
 * Throws a {@link ConfigError} where the owner may not let it.
 */
export async function ensureRunRole(owner: Pool, runUrl: string): Promise<void> {
  const { username, password, searchParams } = new URL(runUrl)
  const [role, secret] = [decodeURIComponent(username) || owner.options.user, decodeURIComponent(password)]
  if (role === owner.options.user) {
    if (searchParams.get("role") === APP_ROLE) await letIn(owner, role, "set")
    return
  }
  // Only a verifier is sent: a statement may be logged by the server.
  if (!(await hasRole(owner, role))) await createRole(owner, role, secret === "" ? null : scramVerifier(secret), SESSION_BOUNDS)
  await letIn(owner, role, "member")
}

async function letIn(owner: Pool, role: string, as: "member" | "set"): Promise<void> {
  try {
    await grantAppRole(owner, role, as)
  } catch (error) {
    if (!isDenied(error)) throw error
    const why = `${role} may not act as ${APP_ROLE}, and ${owner.options.user} may not let it`
    throw new ConfigError(`DATABASE_URL: ${why}; an administrator of the server may: "grant ${APP_ROLE} to ${role}"`)
  }
}

/** What the processes do as the owner of the database, when there is nobody else to log in as: only what pulsecal_app may do. */
export function asAppRole(ownerUrl: string): string {
  const url = new URL(ownerUrl)
  url.searchParams.set("role", APP_ROLE)
  return url.href
}

/** What PostgreSQL keeps of a password (RFC 5802 and 7677; its documentation of pg_authid has the form). */
export function scramVerifier(password: string, salt = randomBytes(SCRAM_SALT_BYTES)): string {
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, SCRAM_ITERATIONS, 32, "sha256")
  const keyed = (text: string) => createHmac("sha256", salted).update(text).digest()
  const stored = createHash("sha256").update(keyed("Client Key")).digest("base64")
  return `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString("base64")}$${stored}:${keyed("Server Key").toString("base64")}`
}

/**
 * Refuses to run in production as a role that could undo what the audit says: a superuser, the owner of the tables, whoever may become
 * a superuser, or may write the log by some grant; and with a login that is a superuser or may become one, even if the session has put
 * that down. Elsewhere it says so, and everywhere of any other login that the session has put down.
 * Waits for the database; a process that stops meanwhile is told nothing.
 */
export async function requireRestrictedRole(pool: Pool, config: Config, log: Log, signal: AbortSignal): Promise<void> {
  for (const powers of (await untilAnswered(() => listRolePowers(pool), signal)) ?? []) {
    const what = powerOf(powers)
    if (!what) continue
    const message = powers.acting ? actingMessage(powers.name, what) : loginMessage(powers.name, what)
    if (config.env === "production" && (powers.acting || superpowerOf(powers))) throw new ConfigError(message)
    log.warn(message)
    return
  }
}

/**
 * Refuses in production to have the processes log in as this owner, if it is a superuser or may become one: their session could take up
 * again what it puts down, and they would hold its password.
 */
export async function requireOrdinaryOwner(owner: Pool, config: Config): Promise<void> {
  if (config.env !== "production") return
  for (const powers of await listRolePowers(owner)) {
    const what = superpowerOf(powers)
    if (what) throw new ConfigError(loginMessage(powers.name, what))
  }
}

const REMEDY = "set MIGRATE_DATABASE_URL to the owner's URL, and DATABASE_URL to that of another role, which migrating makes"

const actingMessage = (role: string, what: string) =>
  `DATABASE_URL: its role ${role} ${what}, and could undo what the audit says; ${REMEDY}`

const loginMessage = (login: string, what: string) =>
  `DATABASE_URL: its login ${login} ${what}, and whatever role a session acts as, it can take that up again; ${REMEDY}`

function powerOf(powers: RolePowers): string | undefined {
  return superpowerOf(powers) ?? (powers.owner ? "owns the tables" : powers.writes ? "may change the audit log" : undefined)
}

function superpowerOf({ superuser, becomes }: RolePowers): string | undefined {
  if (superuser) return "is a superuser"
  return becomes === null ? undefined : `may become the superuser ${becomes}`
}

/** Undefined when the process stops before the database answers. */
async function untilAnswered<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await ask()
    } catch (error) {
      if (!isUnavailable(error)) throw error
      await sleep(RETRY_MS, signal)
    }
  }
  return undefined
}
