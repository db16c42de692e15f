/** How much may be sent, by whom, and in which letters. */
import { isUtf8 } from "node:buffer"
import { createMiddleware } from "hono/factory"
import { readBounded } from "../core/bounded-body.ts"
import { Refusal } from "../core/errors.ts"
import type { Admission } from "./admission.ts"
import type { Env } from "./env.ts"
import type { Guards } from "./guards.ts"

const BODY_MAX_BYTES = 1024 * 1024

const tooLarge = () => new Refusal("too_large", "The body is larger than 1 MiB.")

/** Refuses a body that says beforehand that it is too large; one that does not is counted as it comes. */
export const boundedBody = createMiddleware<Env>(async (c, next) => {
  if (Number(c.req.header("content-length") ?? 0) > BODY_MAX_BYTES) throw tooLarge()
  await next()
})

const decoder = new TextDecoder()
const WITHOUT_BODY = new Set(["GET", "HEAD"])

function mayHaveBody({ method, raw }: { method: string; raw: Request }): boolean {
  return !WITHOUT_BODY.has(method) || raw.headers.has("content-length") || raw.headers.has("transfer-encoding")
}

/**
 * Reads and decodes the body, once for all, of whoever has shown who they are and is within their limits. Nobody waits for what others send:
 * their route refuses them as it is. Who sends what is not UTF-8 is told so by the guards.
 */
export function receivedBody(admission: Admission, identify: Guards["identify"]) {
  return createMiddleware<Env>(async (c, next) => {
    if (mayHaveBody(c.req)) {
      const isKnown = await identify(c).then(
        () => true,
        () => false,
      )
      const bytes = isKnown ? await admission.receive(() => readBounded(c.req.raw, BODY_MAX_BYTES)) : NOTHING
      if (!bytes) throw tooLarge()
      if (!isUtf8(bytes)) c.set("isNoText", true)
      // Kept as promises, whatever their type says.
      c.req.bodyCache.text = Promise.resolve(decoder.decode(bytes)) as unknown as string
    }
    await next()
  })
}

const NOTHING = new Uint8Array()

/** 400 for a body that is not UTF-8, whether anybody reads it or not: JSON is, and it would be stored with its letters replaced. */
export function requireReadableBody(c: { get: (name: "isNoText") => true | undefined }): void {
  if (c.get("isNoText")) throw new Refusal("malformed", "The body is not UTF-8.")
}
