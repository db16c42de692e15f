import { afterAll, expect, test } from "bun:test"
import { openPool } from "../../../core/db.ts"
import { ensureWorld } from "./worlds.ts"

/** Test files share a server, and other copies of this one may run on it: a size that hardly anybody else has at the moment. */
const DOCTORS = 1_000 + Math.floor(Math.random() * 9_000)
const NAME = `world_${DOCTORS}`

const adminUrl = process.env.TEST_DATABASE_URL ?? ""
const admin = openPool(adminUrl, { max: 1, name: "test" })

afterAll(async () => {
  await admin`drop database if exists ${admin(NAME)} with (force)`
  await admin.end()
})

test("a world is made once, with all its doctors, and used again until what it is made from changes", async () => {
  const said: string[] = []
  const ensure = () => ensureWorld(adminUrl, DOCTORS, false, (line) => said.push(line))
  const world = await ensure()
  const pool = openPool(world.url, { max: 1, name: "test" })
  const [found] = await pool<{ doctors: number }[]>`select count(*) as doctors from doctors where active`
  await pool.end()
  expect(found?.doctors).toBe(DOCTORS)
  expect(said.filter((line) => line.startsWith("making"))).toHaveLength(1)

  expect(await ensure()).toEqual(world)
  expect(said.filter((line) => line.startsWith("making"))).toHaveLength(1)

  await admin.unsafe(`comment on database ${NAME} is 'made from something else'`)
  expect(await ensure()).toEqual(world)
  expect(said.filter((line) => line.startsWith("making"))).toHaveLength(2)
}, 60_000)
