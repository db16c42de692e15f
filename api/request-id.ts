/** What an answer and its log line are known by. */

import { containsCardNumber } from "../core/card-in-text.ts"

/** A caller's own id is kept if it is short and plain. It is logged and told back, so it must not be what is nowhere to be kept. */
const OWN_MAX_CHARS = 255
const NOT_PLAIN = /[^\w\-=]/

export function requestIdOf(own: string | null | undefined): string {
  return own && own.length <= OWN_MAX_CHARS && !NOT_PLAIN.test(own) && !containsCardNumber(own) ? own : crypto.randomUUID()
}
