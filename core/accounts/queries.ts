import type { Role } from "../auth/principal.ts"
import { type Db, maybeOne } from "../db.ts"

/** Claims the role for this person. False when the person has one already: the primary key decides between rival first calls. */
export async function claimAccount(db: Db, uid: string, role: Role): Promise<boolean> {
  const rows =
    await db`insert into accounts (uid, role) values (${uid}, ${role}) on conflict on constraint accounts_pkey do nothing returning uid`
  return maybeOne(rows) !== undefined
}
