import { z } from "zod"
import type { Anchor } from "./verify.ts"

const Line = z.object({ auditPosition: z.int().min(1), auditHash: z.string().regex(/^[0-9a-f]{64}$/) })

/** The anchors among lines of JSON, such as the worker's log; other lines are left alone. */
export function readAnchors(text: string): Anchor[] {
  return text.split("\n").flatMap((line) => {
    const parsed = line.includes("auditPosition") ? Line.safeParse(jsonOf(line)) : undefined
    return parsed?.success ? [{ position: parsed.data.auditPosition, hash: parsed.data.auditHash }] : []
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
