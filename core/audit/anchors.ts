import { z } from "zod"
import type { Anchor } from "./chain.ts"

/** `time`: when the position was sealed. A line of the worker's log is written as that happens. */
const Line = z.object({
  auditPosition: z.int().min(1),
  auditHash: z.string().regex(/^[0-9a-f]{64}$/),
  time: z.iso.datetime().optional(),
})

/** The anchors among lines of JSON, such as the worker's log; other lines are left alone. */
export function readAnchors(text: string): Anchor[] {
  return text.split("\n").flatMap((line) => {
    const parsed = line.includes("auditPosition") ? Line.safeParse(jsonOf(line)) : undefined
    if (!parsed?.success) return []
    const { auditPosition: position, auditHash: hash, time } = parsed.data
    return [time === undefined ? { position, hash } : { position, hash, at: new Date(time) }]
  })
}

/** Whoever collects the lines may have put a name or a time before them. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line.slice(line.indexOf("{")))
  } catch {
    return undefined
  }
}
