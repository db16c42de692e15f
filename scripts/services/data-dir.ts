import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { findProcess, isAlive } from "../../core/launcher.ts"
import { SetupError } from "./say.ts"
import { readIdentity } from "./server.ts"

/** Takes the folder for this process; two servers on the same files would destroy them. Returns what gives it back. */
export function lockDataDir(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true })
  const file = join(dataDir, "in-use.json")
  const holder = readIdentity(file)
  if (holder && holder.pid !== process.pid && isAlive(holder))
    throw new SetupError(`${dataDir} is in use by process ${holder.pid}: stop that one first, or set DATA_DIR to another folder`)
  writeFileSync(file, JSON.stringify(findProcess(process.pid)))
  return () => rmSync(file, { force: true })
}
