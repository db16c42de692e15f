import { expect, test } from "bun:test"
import { join } from "node:path"

test("a logged error tells what happened, and quotes no row, statement, command or message, nor do the errors within it", async () => {
  const script = `
    const { openLog } = await import(${JSON.stringify(join(import.meta.dir, "log.ts"))})
    const quoting = (message) => Object.assign(new Error(message), {
      code: "WRONGPASS", detail: "hunter2", where: "hunter2", query: "hunter2", parameters: ["hunter2"],
      command: { name: "hello", args: ["3", "AUTH", "default", "hunter2"] }, rawPacket: Buffer.from("hunter2") })
    const log = openLog("test", "info")
    log.warn({ err: quoting("one") }, "first")
    log.warn({ err: new AggregateError([quoting("two"), quoting("three")], "many") }, "second")
    log.warn({ err: Object.assign(new Error("four", { cause: quoting("five") }), { lastNodeError: quoting("six") }) }, "third")`
  const child = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "pipe", "inherit"] })
  const [text] = await Promise.all([new Response(child.stdout).text(), child.exited])
  for (const secret of ["hunter2", String([...Buffer.from("hunter2")])]) expect(text).not.toContain(secret)
  for (const told of ["one", "two", "three", "four", "five", "six", "WRONGPASS"]) expect(text).toContain(told)
})
