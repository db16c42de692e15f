import type { LoggedEvent } from "../core/events/catalog.ts"
import { instant } from "../core/time.ts"

export const NAMESPACE = "/notifications"

const metaOf = (event: LoggedEvent) => ({ id: event.id, offset: event.offset, occurredAt: instant(event.occurredAt) })

/**
 * An event as Engine.IO sends it: a message (4) that is an event (2) of our namespace, by Socket.IO's protocol, revision 5. Made once for
 * all who hear it, as their own packet would be the same.
 */
export function packetOf(event: LoggedEvent): string {
  return `42${NAMESPACE},${JSON.stringify([event.name, event.data, metaOf(event)])}`
}
