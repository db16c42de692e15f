import { type Logger, pino, stdSerializers } from "pino"
import { stdout } from "./log-output.ts"

export type Log = Logger

/**
 * Postgres quotes rows and statements in these, ioredis the whole command, with the password when it is refused, and HTTP's
 * parser the message that it cannot read; the code, the constraint and the stack are enough to find the fault.
 */
const QUOTING = ["detail", "where", "hint", "internal_query", "query", "parameters", "command", "rawPacket"]

function withoutQuotes(error: Error): Record<string, unknown> {
  return forgetQuotes({ ...stdSerializers.err(error) })
}

/** Of errors within it too: pino writes out those that it finds in a list or a member. */
function forgetQuotes(plain: Record<string, unknown>): Record<string, unknown> {
  for (const name of QUOTING) delete plain[name]
  for (const inner of Object.values(plain).flat())
    if (typeof inner === "object" && inner !== null && "stack" in inner) forgetQuotes(inner as Record<string, unknown>)
  return plain
}

/**
 * JSON lines on stdout, one writer a process. Tokens, names and bodies are never passed to it; the redaction below is
 * the second line of defence.
 */
export function openLog(process_: string, level: string): Log {
  return pino(
    {
      level,
      base: { process: process_, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: withoutQuotes },
      redact: { paths: ["token", "authorization", "*.token", "*.authorization", "*.password"], censor: "[redacted]" },
    },
    stdout(),
  )
}
