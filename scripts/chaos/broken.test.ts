import { expect, test } from "bun:test"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { BROKEN, brokenCopy, changed, NAMES } from "./broken.ts"

test("a build that is broken on purpose has every one of its lines changed, and goes away after its use", async () => {
  for (const name of NAMES) {
    const copy = await brokenCopy(name)
    for (const { file, to } of BROKEN[name]) expect(await Bun.file(join(copy.root, file)).text()).toContain(to)
    await copy[Symbol.asyncDispose]()
    await expect(stat(copy.root)).rejects.toThrow("ENOENT")
  }
})

test("a line that is no longer there, or twice, fails loudly instead of breaking nothing", () => {
  const change = { file: "core/some.ts", from: "const safe = true", to: "const safe = false" }
  expect(changed("const safe = true\n", change)).toBe("const safe = false\n")
  expect(() => changed("const safe = 1\n", change)).toThrow("core/some.ts has 0 times what is to be broken there: const safe = true")
  expect(() => changed("const safe = true\nconst safe = true\n", change)).toThrow("has 2 times")
})
