/** Answers of which parts stand ready as JSON: making the text of 500 appointments anew took longer than reading what has changed. */
import type { Context, TypedResponse } from "hono"
import type { Answered } from "./audit-rules.ts"
import type { Env } from "./env.ts"

/** The JSON of `object` and, after its own members, lists of which each element is JSON. */
type Parts = { object: object; lists: Record<string, readonly string[]> }

/**
 * As `c.json` would answer `T`, of which `parts` are the JSON; `shown` names whom it shows. The text is made while the audit commits its
 * entry: that is half of what is left to wait for.
 */
export async function readyJson<T>(c: Context, shown: Answered, parts: Parts): Promise<Response & TypedResponse<T, 200, "json">> {
  const record: Env["Variables"]["record"] = c.get("record")
  const [text] = await Promise.all([entrySent().then(() => jsonOf(parts)), record?.(shown)])
  return c.body(text, 200, { "content-type": "application/json" }) as unknown as Response & TypedResponse<T, 200, "json">
}

/** The driver hands what it is asked for to the socket some microtasks later. */
const entrySent = () => new Promise<void>((resolve) => setImmediate(resolve))

export function jsonOf({ object, lists }: Parts): string {
  const members = Object.entries(lists).map(([name, texts]) => `${JSON.stringify(name)}:[${texts.join(",")}]`)
  return `{${[JSON.stringify(object).slice(1, -1), ...members].join(",")}}`
}
