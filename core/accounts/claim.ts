import type { Role } from "../auth/principal.ts"
import type { Db } from "../db.ts"
import { conflict } from "../errors.ts"
import { announce } from "../events/log.ts"
import { claimAccount } from "./queries.ts"

/** The first call of a signed-in person decides the role; every later one is refused. Within the profile's transaction. */
export async function claimRole(tx: Db, uid: string, role: Role): Promise<void> {
  if (!(await claimAccount(tx, uid, role))) throw conflict("This person has a profile already.")
  // Sockets opened before the profile was made get its rooms.
  await announce(tx, { name: "access:changed", data: { uid }, about: { uid } })
}
