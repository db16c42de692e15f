/** What an answer says of a call, and what nobody can say of one that was cut off. */
import type { Call } from "../evidence.ts"

/** Two freezes of a process that had it already, one after the other, and the longest that an answer may take. */
const OBEYED_MAX_MS = 25_000

const wasCutOff = ({ outcome }: Call["attempts"][number]) => typeof outcome === "string" || outcome === 503

/** Some try of it may have been obeyed without a word: it was cut off, or whoever tried lost Postgres on the way. */
export const isInDoubt = (call: Call) => call.attempts.some(wasCutOff)

/** Not with "later", or with its own first try being at work. */
export function isAnswered({ attempts, answer }: Call): boolean {
  const last = attempts.at(-1)?.outcome
  const isInFlight = last === 409 && String(answer?.body.detail).includes("in flight")
  return typeof last === "number" && last !== 503 && last !== 429 && !isInFlight
}

/** For good: the last word on it is that it was not done. */
export function isRefused(call: Call): boolean {
  const last = call.attempts.at(-1)?.outcome
  return isAnswered(call) && typeof last === "number" && last >= 400 && last < 500
}

/**
 * When a call with a key may have been obeyed: from its first try that nobody answered until the last can have been. Whoever is refused
 * had not been obeyed until then: else the first answer would have come again.
 */
export function doubt(call: Call): { from: number; to: number } {
  const times = call.attempts.filter(wasCutOff).map(({ at }) => at)
  const refused = isAnswered(call) ? (call.attempts.at(-1)?.at ?? 0) : Number.NEGATIVE_INFINITY
  return { from: Math.max(Math.min(...times), refused) - 1, to: Math.max(...times) + OBEYED_MAX_MS }
}

/** When each of its tries that nobody answered may have been obeyed, as one without a key may be each time. */
export function doubts(call: Call): { from: number; to: number }[] {
  return call.attempts.filter(wasCutOff).map(({ at }) => ({ from: at - 1, to: at + OBEYED_MAX_MS }))
}
