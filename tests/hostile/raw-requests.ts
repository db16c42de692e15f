/** HTTP of all kinds that it should not be, for whoever speaks it on a plain socket. */
import { expect } from "bun:test"
import { Wire } from "../harness/wire.ts"

/** Where raw bytes are sent, and what a good request is there. */
export type Place = {
  port: number
  /** A target that answers anybody. */
  open: string
  /** A target that answers some methods only, to those who say who they are. */
  known: string
  /** Header lines that say so. */
  auth: string
  /** A request of which `body` is a good body, with its length or coding among `headers`. */
  change: (headers: string, body: string) => string
  /** Of 17 bytes, 11 in hexadecimal. */
  body: string
}

/** Longer than any answer takes; what has not come by then does not come. */
export const ANSWER_MS = 1_500
const DRIP_MS = 2_000

export const get = (target: string, headers = "") => `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`

/** What is sent; the statuses that may come back, none: the connection is merely cut or waits for the rest. */
export const CASES: [what: string, bytes: (place: Place) => string | Buffer, allowed: number[]][] = [
  ["nothing but line ends", () => "\r\n\r\n\r\n\r\n", [400]],
  ["no HTTP", () => "hello\r\n\r\n", [400]],
  ["TLS", () => Buffer.from("16030100f5010000f10303deadbeef", "hex"), [400]],
  ["HTTP/2's preface", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 404, 405, 505]],
  ["a version that is none", ({ open }) => get(open).replace("1.1", "9.9"), [400, 505]],
  ["a method in lower case", ({ open }) => get(open).replace("GET", "get"), [400, 404, 405]],
  ["a method that nobody knows", ({ known }) => get(known).replace("GET", "HACK"), [400, 404, 405, 501]],
  ["TRACE", ({ known, auth }) => get(known, auth).replace("GET", "TRACE"), [400, 404, 405, 501]],
  ["CONNECT", () => "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n", [400, 404, 405, 501]],
  ["a line without its end", ({ open }) => `GET ${open}`, []],
  ["a header without its end", ({ open }) => `GET ${open} HTTP/1.1\r\nHost: x\r\nAccept`, []],
  ["a header without a colon", ({ open }) => get(open, "Accept\r\n"), [400]],
  ["a header of no name", ({ open }) => get(open, ": x\r\n"), [400]],
  ["a blank before the colon", ({ open }) => get(open, "Content-Length : 5\r\n"), [400]],
  ["a folded header", ({ open }) => get(open, "X-A: b\r\n  c\r\n"), [200, 400]],
  ["a NUL in a header", ({ open }) => get(open, "X-A: b\0c\r\n"), [200, 400]],
  ["bytes beyond ASCII in a header", ({ open }) => get(open, "X-Ä: \xff\xfe\r\n"), [200, 400]],
  ["a bare line feed as the end of a header", ({ open }) => `GET ${open} HTTP/1.1\nHost: x\n\n`, [200, 400, 505]],
  ["two hosts", ({ open }) => get(open, "Host: y\r\n"), [200, 400]],
  ["no host", ({ open }) => `GET ${open} HTTP/1.1\r\n\r\n`, [200, 400]],
  ["a thousand headers", ({ open }) => get(open, Array.from({ length: 1_000 }, (_, i) => `X-${i}: y\r\n`).join("")), [200, 400, 431]],
  ["a header of 1 MB", ({ open }) => get(open, `X-A: ${"a".repeat(1_000_000)}\r\n`), [400, 431]],
  ["a target of 1 MB", () => get(`/${"a".repeat(1_000_000)}`), [400, 404, 414, 431]],
  ["another server's target", ({ known }) => get(`http://evil.example${known}`), [200, 400, 401, 404]],
  ["a file's target", () => get("file:///etc/passwd"), [400, 404]],
  ["an asterisk", () => "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", [204, 400, 404, 405]],
  ["a target without a slash", ({ known }) => get(known.slice(1)), [400, 401, 404]],
  ["two slashes", ({ known }) => get(`//evil.example${known}`), [400, 401, 404]],
  ["steps up", () => get("/docs/../../../../etc/passwd"), [400, 404]],
  ["steps up, escaped", () => get("/docs/..%2f..%2f..%2fetc%2fpasswd"), [400, 404]],
  ["steps up, twice escaped", () => get("/docs/%252e%252e%252fetc"), [400, 404]],
  ["a NUL in the target", () => get("/docs/start.js\0.css"), [400, 404, 505]],
  ["a body shorter than said", ({ change, body }) => change("Content-Length: 100\r\n", body), []],
  ["a body longer than said", ({ change, body }) => change("Content-Length: 5\r\n", body), [400]],
  ["a length that is no number", ({ change, body }) => change("Content-Length: x\r\n", body), [400]],
  ["a negative length", ({ change, body }) => change("Content-Length: -1\r\n", body), [400]],
  ["a length beyond all bounds", ({ change, body }) => change("Content-Length: 99999999999999999999\r\n", body), [400, 413]],
  ["a length in hexadecimal", ({ change, body }) => change("Content-Length: 0x11\r\n", body), [400]],
  ["a length with a sign", ({ change, body }) => change("Content-Length: +17\r\n", body), [400]],
  ["two lengths that differ", ({ change, body }) => change(`Content-Length: 5\r\nContent-Length: ${body.length}\r\n`, body), [400]],
  ["a list of lengths", ({ change, body }) => change(`Content-Length: ${body.length}, 5\r\n`, body), [400]],
  [
    "a length and chunks",
    ({ change, body }) => change("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", `11\r\n${body}\r\n0\r\n\r\n`),
    [400],
  ],
  [
    "chunks and a length",
    ({ change, body }) => change("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `11\r\n${body}\r\n0\r\n\r\n`),
    [400],
  ],
  ["a coding that is none", ({ change, body }) => change("Transfer-Encoding: xchunked\r\n", `11\r\n${body}\r\n0\r\n\r\n`), [400, 501]],
  [
    "chunked twice",
    ({ change, body }) => change("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", `11\r\n${body}\r\n0\r\n\r\n`),
    [400],
  ],
  [
    "chunked, then another coding",
    ({ change, body }) => change("Transfer-Encoding: chunked, identity\r\n", `11\r\n${body}\r\n0\r\n\r\n`),
    [400, 501],
  ],
  ["a chunk's size that is none", ({ change, body }) => change("Transfer-Encoding: chunked\r\n", `zz\r\n${body}\r\n0\r\n\r\n`), [400]],
  [
    "a chunk's size beyond all bounds",
    ({ change, body }) => change("Transfer-Encoding: chunked\r\n", `fffffffffffffffff\r\n${body}`),
    [400, 413],
  ],
  ["a chunk longer than said", ({ change, body }) => change("Transfer-Encoding: chunked\r\n", `5\r\n${body}\r\n0\r\n\r\n`), [400]],
  ["chunks without an end", ({ change, body }) => change("Transfer-Encoding: chunked\r\n", `11\r\n${body}\r\n`), []],
  [
    "a body that says it is compressed",
    ({ change, body }) => change(`Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n`, body),
    [200, 400, 415],
  ],
]

export type Exchange = { received: string; statuses: number[]; isOpen: boolean }

const statusesIn = (received: string) => [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((m) => Number(m[1]))

/** All that came back until the end, or until nothing more came. */
export async function exchange(port: number, bytes: string | Buffer): Promise<Exchange> {
  const wire = await Wire.open(port)
  wire.write(bytes)
  await Promise.race([wire.closed.promise, Bun.sleep(ANSWER_MS)])
  const { received, isOpen } = wire
  wire.close()
  return { received, isOpen, statuses: statusesIn(received) }
}

/** Answered with nothing else than `allowed`, or cut, and told nothing of our insides. */
export function expectRefused({ received, statuses, isOpen }: Exchange, allowed: number[]): void {
  for (const status of statuses) expect(allowed).toContain(status)
  // What is whole, however wrong, leaves nobody waiting: it is answered, or cut.
  if (allowed.length > 0) expect([statuses.length > 0, isOpen]).not.toEqual([false, true])
  expect(received).not.toMatch(/node_modules|\.ts:\d|root:|Bun v/)
}

/** Opens a connection for each opening. How many the server has not cut by then, though `drip` came on each now and then; and what it answered. */
export async function untilCut(port: number, openings: string[], maxMs: number, drip = "") {
  const wires = await Promise.all(openings.map(() => Wire.open(port)))
  for (const [i, wire] of wires.entries()) wire.write(openings[i] as string)
  const deadline = Date.now() + maxMs
  while (wires.some((wire) => wire.isOpen) && Date.now() < deadline) {
    for (const wire of wires) wire.write(drip)
    await Bun.sleep(DRIP_MS)
  }
  const open = wires.filter((wire) => wire.isOpen)
  for (const wire of open) wire.close()
  return { stillOpen: open.length, statuses: wires.flatMap((wire) => statusesIn(wire.received)) }
}
