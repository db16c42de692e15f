import type { Db } from "../db.ts"
import { audience, subject } from "./audience.ts"
import type { Event, NewEvent } from "./catalog.ts"
import { insertEvents } from "./queries.ts"

/** The row that an event becomes: its id (UUID v7), what it is about, and who may hear it. */
export function newEvent(event: Event): NewEvent {
  return { id: Bun.randomUUIDv7(), name: event.name, subject: subject(event), rooms: audience(event), data: event.data }
}

/** Announces in the transaction of the change, after the subject's row lock is held. Never before: order here is commit order. */
export async function announce(tx: Db, ...events: Event[]): Promise<void> {
  await insertEvents(tx, events.map(newEvent))
}
