import { describe, expect, test } from "bun:test"
import { CONTENDERS } from "./contenders.ts"
import { readOptions } from "./options.ts"

test("without options everybody is measured on all worlds, and the README is written", () => {
  const options = readOptions([])
  expect(options).toEqual({
    sizes: [10_000, 100_000, 1_000_000],
    rounds: 5,
    seconds: 3,
    only: Object.keys(CONTENDERS) as typeof options.only,
    data: undefined,
    write: true,
  })
})

describe("a run that leaves something out writes nothing unless told to", () => {
  for (const args of [
    ["--sizes", "100000"],
    ["--only", "ours,static"],
    ["--rounds", "6", "--sizes", "10000"],
    ["--seconds", "1"],
  ])
    test(args.join(" "), () => {
      expect(readOptions(args).write).toBe(false)
      expect(readOptions([...args, "--write"]).write).toBe(true)
    })
})

test("a run of fewer than five rounds writes nothing, and is refused when told to", () => {
  for (const rounds of ["1", "2", "4"]) {
    expect(readOptions(["--rounds", rounds]).write).toBe(false)
    expect(() => readOptions(["--rounds", rounds, "--write"])).toThrow("--write takes --rounds 5 or more")
  }
})

test("sizes are taken once each, the smallest first", () => {
  expect(readOptions(["--sizes", "100000, 10000,100000"]).sizes).toEqual([10_000, 100_000])
})

describe("what it does not take is named", () => {
  for (const [option, value] of [
    ["--sizes", "4999"],
    ["--sizes", "1000001"],
    ["--sizes", "10000,x"],
    ["--rounds", "0"],
    ["--seconds", "61"],
    ["--only", "elasticsearch"],
    ["--only", "toString"],
    ["--fast", "1"],
  ] as const)
    test(`${option} ${value}`, () => expect(() => readOptions([`${option}=${value}`])).toThrow(option))
})
