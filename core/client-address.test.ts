import { expect, test } from "bun:test"
import { createClientAddress } from "./client-address.ts"

const addressOf = (proxies: string[], peer: string | undefined, forwardedFor?: string) => createClientAddress(proxies)(peer, forwardedFor)

test("without a trusted proxy the address is the connection's, whatever the headers say", () => {
  expect(addressOf([], "203.0.113.1", "1.2.3.4")).toBe("203.0.113.1")
  expect(addressOf(["10.0.0.0/8"], "203.0.113.1", "1.2.3.4")).toBe("203.0.113.1")
  expect(addressOf([], "::ffff:203.0.113.1")).toBe("203.0.113.1")
  expect(addressOf(["10.0.0.0/8"], undefined, "1.2.3.4")).toBeNull()
})

test("through trusted proxies it is the first from the right that is none of them", () => {
  const proxies = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"]
  expect(addressOf(proxies, "10.1.1.1", "198.51.100.4")).toBe("198.51.100.4")
  expect(addressOf(proxies, "::ffff:10.1.1.1", "6.6.6.6, 198.51.100.4, 192.0.2.7, 10.2.2.2")).toBe("198.51.100.4")
  expect(addressOf(proxies, "fd00::1", "2001:db8::5, fd00::2")).toBe("2001:db8::5")
  expect(addressOf(proxies, "10.1.1.1", "10.1.1.9")).toBe("10.1.1.9")
})

test("what is no address is believed by nobody: the last that was one stands", () => {
  for (const nonsense of ["", "unknown", "1.2.3.4:80", "<script>", "a".repeat(9_000), "1.2.3"])
    expect(addressOf(["10.0.0.0/8"], "10.1.1.1", nonsense)).toBe("10.1.1.1")
  expect(addressOf(["10.0.0.0/8"], "10.1.1.1", `6.6.6.6, ${"10.0.0.1, ".repeat(50)}10.0.0.2`)).toBe("10.0.0.1")
})
