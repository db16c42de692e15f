import { describe, expect, test } from "bun:test"
import { readOptions } from "./options.ts"

const TOKEN = ["--token", "t"]

test("without options it searches this machine, with development's tokens", () => {
  expect(readOptions([], {})).toEqual({ url: "http://127.0.0.1:3000", perSecond: 200, seconds: 30, tokens: [] })
})

test("tokens come from the options, else from LOAD_TOKEN", () => {
  expect(readOptions(["--token", "a", "--token", "b"], { LOAD_TOKEN: "c" }).tokens).toEqual(["a", "b"])
  expect(readOptions([], { LOAD_TOKEN: "c,d" }).tokens).toEqual(["c", "d"])
})

describe("another machine is loaded only by who says so and has a token", () => {
  for (const url of ["https://example.com", "http://10.0.0.7:3000", "http://127.0.0.1.example.com", "http://0.0.0.0:3000"])
    test(url, () => {
      expect(() => readOptions(["--url", url, ...TOKEN], {})).toThrow("--allow-remote")
      expect(() => readOptions(["--url", url, "--allow-remote"], {})).toThrow("--token")
      expect(readOptions(["--url", url, "--allow-remote", ...TOKEN], {}).url).toBe(new URL(url).origin)
    })
})

describe("this machine needs no leave", () => {
  for (const url of ["http://localhost:3001", "http://127.0.0.2:80", "http://[::1]:3000"])
    test(url, () => expect(readOptions(["--url", url], {}).url).toBe(new URL(url).origin))
})

describe("what it does not take is named", () => {
  for (const [option, value] of [
    ["--rate", "0"],
    ["--rate", "1e3"],
    ["--rate", "20001"],
    ["--seconds", "-1"],
    ["--seconds", "3601"],
    ["--url", "ftp://127.0.0.1"],
    ["--url", "127.0.0.1:3000"],
    ["--url", "http://127.0.0.1:3000/api"],
    ["--url", "http://me@127.0.0.1:3000"],
    ["--speed", "1"],
  ] as const)
    test(`${option} ${value}`, () => expect(() => readOptions([`${option}=${value}`], {})).toThrow(option))
})
