import { type Logger, pino } from "pino"

export type Log = Logger

/**
 * JSON lines on stdout, one writer a process. Tokens, names and bodies are never passed to it; the redaction below is
 * the second line of defence.
 */
export function openLog(process_: string, level: string): Log {
  return pino({
    level,
    base: { process: process_, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ["token", "authorization", "*.token", "*.authorization", "*.password"], censor: "[redacted]" },
  })
}
