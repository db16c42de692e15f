import { expect, test } from "bun:test"
import { findFreePort } from "./ports.ts"

/** Not where the others who run now look. */
const FIRST = 18_000 + Math.floor(Math.random() * 1_000)
const FOUR = { first: FIRST, last: FIRST + 4 }
const ALL = [0, 1, 2, 3].map((i) => FIRST + i)

const another = (code: string) =>
  Bun.spawn([process.execPath, "-e", `import { findFreePort } from "${import.meta.dir}/ports.ts"; ${code}`], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  })

test("whoever is given a port is the only one, in this process and every other, before anybody listens there", async () => {
  const found = [await findFreePort(FOUR), await findFreePort(FOUR), await findFreePort(FOUR), await findFreePort(FOUR)]
  expect(found.sort()).toEqual(ALL)
  await expect(findFreePort(FOUR)).rejects.toThrow(`no free port was found from ${FIRST} to ${FIRST + 3}`)
  const other = another(`await findFreePort(${JSON.stringify(FOUR)})`)
  expect(await other.exited).toBe(1)
  expect(await other.stderr.text()).toContain("no free port was found")
})

test("a port is free again when the process that was given it is gone, however that ended, and holds up no end", async () => {
  const one = { first: FIRST + 10, last: FIRST + 11 }
  const find = `console.log(await findFreePort(${JSON.stringify(one)}))`
  expect(await another(find).exited).toBe(0)
  const killed = another(`${find}; await Bun.stdin.text()`)
  await killed.stdout.getReader().read()
  await expect(findFreePort(one)).rejects.toThrow("no free port")
  killed.kill("SIGKILL")
  await killed.exited
  expect(await findFreePort(one)).toBe(one.first)
})
