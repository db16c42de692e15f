/** How much may be sent, and in which letters. */
import { isUtf8 } from "node:buffer"
import { bodyLimit } from "hono/body-limit"
import { createMiddleware } from "hono/factory"
import { Refusal } from "../core/errors.ts"
import type { Env } from "./env.ts"

const BODY_MAX_BYTES = 1024 * 1024

const tooLarge = () => {
  throw new Refusal("too_large", "The body is larger than 1 MiB.")
}

/** A body whose length is not told beforehand is counted as it comes. Asking for it as a stream, which that does, is not free. */
export function boundedBody() {
  const counted = bodyLimit({ maxSize: BODY_MAX_BYTES, onError: tooLarge })
  return createMiddleware<Env>(async (c, next) => {
    if (c.req.header("transfer-encoding") !== undefined) return await counted(c, next)
    if (Number(c.req.header("content-length") ?? 0) > BODY_MAX_BYTES) tooLarge()
    await next()
  })
}

const decoder = new TextDecoder()
const WITHOUT_BODY = new Set(["GET", "HEAD"])

function mayHaveBody({ method, raw }: { method: string; raw: Request }): boolean {
  return !WITHOUT_BODY.has(method) || raw.headers.has("content-length") || raw.headers.has("transfer-encoding")
}

/** Reads and decodes the body, once for all. Who sends one that is not UTF-8 is told so by the guards, when it is known who that is. */
export const readBody = createMiddleware<Env>(async (c, next) => {
  if (mayHaveBody(c.req)) {
    const bytes = await c.req.arrayBuffer()
    if (!isUtf8(bytes)) c.set("isNoText", true)
    // Kept as promises, whatever their type says.
    c.req.bodyCache.text = Promise.resolve(decoder.decode(bytes)) as unknown as string
  }
  await next()
})

/** 400 for a body that is not UTF-8, whether anybody reads it or not: JSON is, and it would be stored with its letters replaced. */
export function requireReadableBody(c: { get: (name: "isNoText") => true | undefined }): void {
  if (c.get("isNoText")) throw new Refusal("malformed", "The body is not UTF-8.")
}
