import postgres from "postgres"
import { type Say, SetupError } from "./say.ts"

/** A server that is just starting, or far away, answers within this or is called unreachable. */
const CONNECT_TIMEOUT_S = 10
const DATABASE_MISSING = "3D000"

/** Creates the database that the URL names if its server has none of that name. */
export async function ensureDatabase(url: string, say: Say): Promise<void> {
  const name = decodeURIComponent(new URL(url).pathname.slice(1))
  if (!(await isDatabaseMissing(url))) return
  say(`creating the database ${name}`)
  const admin = postgres(Object.assign(new URL(url), { pathname: "/postgres" }).href, { max: 1, connect_timeout: CONNECT_TIMEOUT_S })
  try {
    await admin`create database ${admin(name)}`
  } catch (error) {
    throw new SetupError(`the database ${name} does not exist and could not be created: ${(error as Error).message}`)
  } finally {
    await admin.end({ timeout: 1 })
  }
}

/** Refuses a server that does not answer and a database that is not there, in one sentence each. */
export async function requireDatabase(url: string): Promise<void> {
  if (await isDatabaseMissing(url))
    throw new SetupError(`the database of DATABASE_URL, ${new URL(url).pathname.slice(1)}, does not exist on its server`)
}

/** Whether the database is missing on its server; a server that cannot be reached is refused by its address, never its password. */
async function isDatabaseMissing(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: CONNECT_TIMEOUT_S })
  try {
    await sql`select 1`
    return false
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code === DATABASE_MISSING) return true
    throw new SetupError(`PostgreSQL at ${new URL(url).host} (DATABASE_URL) does not answer: ${message}`)
  } finally {
    await sql.end({ timeout: 1 })
  }
}
