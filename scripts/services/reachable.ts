/** Where the files of a server that runs as somebody else can live. */
import { randomUUID } from "node:crypto"
import { chmod, chown, mkdir, readlink, stat, symlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { SystemUser } from "./postgres-binaries.ts"
import { run } from "./run.ts"
import type { Say } from "./say.ts"

const RUN_TIMEOUT_MS = 10_000
const ELSEWHERE = "/var/lib/pulsecal"
const GROUP_BITS = 0o070
const GROUP_MAY_ENTER = 0o010

/**
 * The wanted folder, or, if the system user cannot get there (it lies below root's home, say), one in /var/lib that a
 * link in its place points to. Removing the link starts afresh, as removing the folder would.
 */
export async function reachableFolder(wanted: string, user: SystemUser | undefined, say: Say): Promise<string> {
  if (!user) return wanted
  const parent = dirname(wanted)
  const existing = await readlink(wanted).catch(() => undefined)
  if (existing) return existing
  if ((await canEnter(parent, user)) || (await letIn(parent, user))) return wanted
  const elsewhere = join(ELSEWHERE, randomUUID(), "postgres")
  say(`the user postgres cannot enter ${parent}: the database's files are kept in ${elsewhere}, linked from there`)
  await mkdir(dirname(elsewhere), { recursive: true, mode: 0o755 })
  await symlink(elsewhere, wanted)
  return elsewhere
}

async function canEnter(folder: string, user: SystemUser): Promise<boolean> {
  return (await run(["/bin/sh", "-c", 'cd "$1"', "sh", folder], { timeoutMs: RUN_TIMEOUT_MS, user })).code === 0
}

/** A folder of ours that is closed to every group, as a temporary one is, is opened to the user's group, to pass through only. */
async function letIn(folder: string, user: SystemUser): Promise<boolean> {
  const found = await stat(folder)
  const closedToGroups = (found.mode & GROUP_BITS) === 0
  if (found.uid !== process.getuid?.() || !closedToGroups || !(await canEnter(dirname(folder), user))) return false
  await chown(folder, found.uid, user.gid)
  await chmod(folder, (found.mode & 0o7777) | GROUP_MAY_ENTER)
  return await canEnter(folder, user)
}
