/** The addresses of what `dev` runs, for the other commands: they have passwords in them, so they are not printed. */
import { chmod, writeFile } from "node:fs/promises"
import { join } from "node:path"

const OWNER_ONLY = 0o600

/** Writes `dev.env` into the folder, to be read with `bun --env-file`. Returns its path. */
export async function writeSettings(dataDir: string, settings: Record<string, string | undefined>): Promise<string> {
  const path = join(dataDir, "dev.env")
  const lines = Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${value}"\n`]))
  await writeFile(path, lines.join(""), { mode: OWNER_ONLY })
  // An earlier one keeps its mode when it is written over.
  await chmod(path, OWNER_ONLY)
  return path
}
