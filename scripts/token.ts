/** `bun run token (--role doctor|patient|receptionist | --uid X) [--hours N]`: one development token on stdout, and nothing else there. */
import { parseArgs } from "node:util"
import { MAX_UID_CHARS } from "../core/auth/claims.ts"
import { mintDevelopmentToken } from "../core/auth/development.ts"
import { readConfig } from "../core/config.ts"
import { demoUid } from "./demo/people.ts"

const USAGE = "use: bun run token (--role doctor|patient|receptionist | --uid X) [--hours N]"
const DEFAULT_HOURS = 12
/** A year: long enough for any test setup, and nobody forgets a token that outlives it. */
const MAX_HOURS = 8_760
const EXIT_USAGE = 2

/** Bad usage: the message is all that is said. */
class UsageError extends Error {}

type Role = keyof typeof demoUid

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: { role: { type: "string" }, uid: { type: "string" }, hours: { type: "string" } } }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(". ")[0]}; ${USAGE}`)
  }
}

function isRole(text: string | undefined): text is Role {
  return text !== undefined && Object.hasOwn(demoUid, text)
}

function tokenFor(args: string[]): string {
  if (process.env.NODE_ENV === "production") throw new UsageError("development tokens are not made with NODE_ENV=production")
  const { role, uid, hours = String(DEFAULT_HOURS) } = parse(args)
  if (!isRole(role) && (role !== undefined || uid === undefined))
    throw new UsageError(`--role must be doctor, patient or receptionist; ${USAGE}`)
  if (uid !== undefined && (uid === "" || uid.length > MAX_UID_CHARS))
    throw new UsageError(`--uid must have 1 to ${MAX_UID_CHARS} characters; ${USAGE}`)
  if (!/^\d{1,5}$/.test(hours) || Number(hours) < 1 || Number(hours) > MAX_HOURS)
    throw new UsageError(`--hours must be a whole number from 1 to ${MAX_HOURS}; ${USAGE}`)
  return mintDevelopmentToken({ projectId: projectId(), uid: uid ?? demoUid[role as Role], expiresInSeconds: Number(hours) * 3600 })
}

/** The one that the processes would read; the two addresses are required there and do not matter here. */
function projectId(): string {
  const { FIREBASE_PROJECT_ID } = process.env
  return readConfig({ DATABASE_URL: "postgres://unused/unused", REDIS_HOST: "unused", FIREBASE_PROJECT_ID }).auth.projectId
}

try {
  console.log(tokenFor(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof Error) || !(error instanceof UsageError || error.name === "ConfigError")) throw error
  console.error(error.message)
  process.exit(EXIT_USAGE)
}
