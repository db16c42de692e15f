import { expect, test } from "bun:test"
import { findPostgis, findWrk, type Machine } from "./packages.ts"

/** A machine with these programs and nothing of the peers. */
const machine = (isRoot: boolean, ...programs: string[]): Machine => ({
  which: (program) => (programs.includes(program) ? `/usr/bin/${program}` : undefined),
  isRoot,
  postgresFolder: "/nowhere",
})

async function saidBy(find: (say: (line: string) => void) => Promise<unknown>): Promise<{ found: unknown; said: string[] }> {
  const said: string[] = []
  const found = await find((line) => said.push(line))
  return { found, said }
}

test("a program that is here is taken without a word, whoever asks", async () => {
  expect(await saidBy((say) => findWrk(say, machine(false, "wrk")))).toEqual({ found: "/usr/bin/wrk", said: [] })
})

test("without apt-get, what is left out is named", async () => {
  const line = (packages: string) => `${packages} is left out: it is not here, and there is no apt-get to install it with`
  expect(await saidBy((say) => findWrk(say, machine(true)))).toEqual({ found: undefined, said: [line("wrk")] })
  expect(await saidBy((say) => findPostgis(say, machine(true)))).toEqual({ found: undefined, said: [line("PostGIS")] })
})

test("to who is not root, what is left out is named", async () => {
  const line = (packages: string) => `${packages} is left out: it is not here, and only root may install it`
  expect(await saidBy((say) => findWrk(say, machine(false, "apt-get")))).toEqual({ found: undefined, said: [line("wrk")] })
  expect(await saidBy((say) => findPostgis(say, machine(false, "apt-get")))).toEqual({ found: undefined, said: [line("PostGIS")] })
})
