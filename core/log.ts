import { type Logger, pino, stdSerializers } from "pino"
import { stdout } from "./log-output.ts"

export type Log = Logger

/** Postgres quotes rows and statements in these; the code, the constraint and the stack are enough to find the fault. */
const QUOTING = ["detail", "where", "hint", "internal_query", "query", "parameters"]

function withoutRows(error: Error): Record<string, unknown> {
  const plain: Record<string, unknown> = { ...stdSerializers.err(error) }
  for (const name of QUOTING) delete plain[name]
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
      serializers: { err: withoutRows },
      redact: { paths: ["token", "authorization", "*.token", "*.authorization", "*.password"], censor: "[redacted]" },
    },
    stdout(),
  )
}
