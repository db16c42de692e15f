/** What an answer and its log line are known by. */

/** As hono/request-id has them: a caller's own id is kept if it is short and plain. */
const OWN_MAX_CHARS = 255
const NOT_PLAIN = /[^\w\-=]/

export function requestIdOf(own: string | null | undefined): string {
  return own && own.length <= OWN_MAX_CHARS && !NOT_PLAIN.test(own) ? own : crypto.randomUUID()
}
