import { expect, test } from "bun:test"
import { Hono } from "hono"
import { createClientAddress } from "./client-address.ts"
import type { Env } from "./env.ts"

async function addressOf(proxies: string[], peer: string | null, forwarded?: string): Promise<string | null> {
  const of = createClientAddress(proxies)
  const app = new Hono<Env>().get("/", (c) => c.json(of(c)))
  const headers = forwarded === undefined ? undefined : { "x-forwarded-for": forwarded }
  const answer = await app.request("/", { headers }, { requestIP: () => (peer === null ? null : { address: peer }) })
  return (await answer.json()) as string | null
}

test("without a trusted proxy the address is the connection's, whatever the headers say", async () => {
  expect(await addressOf([], "203.0.113.1", "1.2.3.4")).toBe("203.0.113.1")
  expect(await addressOf(["10.0.0.0/8"], "203.0.113.1", "1.2.3.4")).toBe("203.0.113.1")
  expect(await addressOf([], "::ffff:203.0.113.1")).toBe("203.0.113.1")
  expect(await addressOf(["10.0.0.0/8"], null, "1.2.3.4")).toBeNull()
})

test("through trusted proxies it is the first from the right that is none of them", async () => {
  const proxies = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"]
  expect(await addressOf(proxies, "10.1.1.1", "198.51.100.4")).toBe("198.51.100.4")
  expect(await addressOf(proxies, "::ffff:10.1.1.1", "6.6.6.6, 198.51.100.4, 192.0.2.7, 10.2.2.2")).toBe("198.51.100.4")
  expect(await addressOf(proxies, "fd00::1", "2001:db8::5, fd00::2")).toBe("2001:db8::5")
  expect(await addressOf(proxies, "10.1.1.1", "10.1.1.9")).toBe("10.1.1.9")
})

test("what is no address is believed by nobody: the last that was one stands", async () => {
  for (const nonsense of ["", "unknown", "1.2.3.4:80", "<script>", "a".repeat(9_000), "1.2.3"])
    expect(await addressOf(["10.0.0.0/8"], "10.1.1.1", nonsense)).toBe("10.1.1.1")
  expect(await addressOf(["10.0.0.0/8"], "10.1.1.1", `6.6.6.6, ${"10.0.0.1, ".repeat(50)}10.0.0.2`)).toBe("10.0.0.1")
})
