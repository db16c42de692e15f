import { expect, test } from "bun:test"
import fc from "fast-check"
import type { LoggedEvent } from "../core/events/catalog.ts"
import { RecentEvents } from "./recent.ts"

const ROOMS = ["a", "b", "c", "d"]

function event(offset: number, rooms: string[]): LoggedEvent {
  return { offset, id: String(offset), name: "doctor:new", subject: "s", rooms, data: {}, occurredAt: new Date(0) }
}

test("what is remembered is without a hole, bounded, and found from any position as a plain search would find it", () => {
  const rooms = fc.subarray(ROOMS)
  fc.assert(
    fc.property(fc.nat(50), fc.array(rooms, { maxLength: 40 }), rooms, fc.integer({ min: 1, max: 12 }), (start, made, wanted, limit) => {
      const recent = new RecentEvents(start, 8)
      const all = made.map((r, i) => event(start + 1 + i, r))
      for (const e of all) recent.add(e)
      const end = start + all.length
      for (let position = 0; position <= end + 2; position++) {
        const kept = end - position
        if (position > end || position < start) expect(recent.covers(position)).toBe(false)
        else if (kept <= Math.min(8, all.length)) expect(recent.covers(position)).toBe(true)
        else if (kept > 16) expect(recent.covers(position)).toBe(false)
        if (!recent.covers(position)) continue
        const expected = all.filter((e) => e.offset > position && e.rooms.some((r) => wanted.includes(r))).slice(0, limit)
        expect(recent.after(position, new Set(wanted), limit)).toEqual(expected)
      }
      recent.restart(3)
      expect([recent.covers(2), recent.covers(3), recent.covers(4)]).toEqual([false, true, false])
    }),
  )
})
