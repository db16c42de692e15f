/** Worlds of demo doctors in a kept server: made once, used again for as long as what they are made from stays the same. */
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { openPool, type Pool } from "../../../core/db.ts"
import { migrate } from "../../../core/migrations/migrate.ts"
import { seedDemo } from "../../demo/seed.ts"
import type { Say } from "../../services/say.ts"
import { makePeerTables } from "./peers/tables.ts"

const ROOT = join(import.meta.dir, "..", "..", "..")
const SOURCES = ["sql/*.sql", "scripts/demo/*.ts", "scripts/demo/*.tsv", "scripts/bench/search/peers/tables.ts", "core/text.ts"]
/** A million doctors with all their indexes take a minute or two. */
const MAKING_TIMEOUT_MS = 30 * 60_000

export type World = { doctors: number; url: string; fingerprint: string }

/** What the world is made from, as a digest: with other sources it would be another world. */
async function fingerprintOf(postgis: boolean): Promise<string> {
  const hash = createHash("sha256").update(String(postgis))
  for (const pattern of SOURCES)
    for (const path of [...new Bun.Glob(pattern).scanSync(ROOT)].filter((p) => !p.endsWith(".test.ts")).sort())
      hash.update(path).update(await readFile(join(ROOT, path)))
  return hash.digest("hex").slice(0, 16)
}

/** The world of so many doctors. Half-made ones bear another name, so that none is ever used. */
export async function ensureWorld(adminUrl: string, doctors: number, postgis: boolean, say: Say): Promise<World> {
  const fingerprint = await fingerprintOf(postgis)
  const name = `world_${doctors}`
  const url = urlOf(adminUrl, name)
  const admin = openPool(adminUrl, { max: 1, name: "worlds", statementTimeoutMs: MAKING_TIMEOUT_MS })
  try {
    const [kept] = await admin`select shobj_description(oid, 'pg_database') as made from pg_database where datname = ${name}`
    if (kept?.made === fingerprint) return { doctors, url, fingerprint }
    say(`making a world of ${doctors.toLocaleString("en")} doctors`)
    const making = `${name}_making`
    for (const old of [name, making]) await admin`drop database if exists ${admin(old)} with (force)`
    await admin`create database ${admin(making)}`
    await fill(urlOf(adminUrl, making), doctors, postgis, say)
    await admin`alter database ${admin(making)} rename to ${admin(name)}`
    await admin.unsafe(`comment on database ${name} is '${fingerprint}'`)
    return { doctors, url, fingerprint }
  } finally {
    await admin.end({ timeout: 1 })
  }
}

async function fill(url: string, doctors: number, postgis: boolean, say: Say): Promise<void> {
  const pool = openPool(url, { max: 2, name: "world", statementTimeoutMs: MAKING_TIMEOUT_MS })
  try {
    await migrate(pool, join(ROOT, "sql"))
    await seedDemo(pool, { doctors, say })
    if (postgis) await makePeerTables(pool, say)
    await settle(pool)
  } finally {
    await pool.end({ timeout: 1 })
  }
}

/** Visibility and counts, so that the first rounds do not pay for them. */
async function settle(pool: Pool): Promise<void> {
  await pool`vacuum (analyze)`
  await pool`checkpoint`
}

const urlOf = (adminUrl: string, name: string) => Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href
