/**
 * The order of a doctor's waiting list: higher priority first, then the place, which is that of arrival until the desk moves somebody.
 * A position therefore sets the priority where it must: who is put between two takes the nearest priority that stands there. Within
 * their priority, all keep the places there are and only hand them on, so later arrivals still come after them.
 */
import { invalid } from "../errors.ts"
import { PRIORITY_MAX, type ReorderEntry } from "./schema.ts"

export type Ordered = { appointmentId: string; priority: number; place: number }

/** What changes when one entry of the list is moved. The list is in order. Throws a Refusal for a position that cannot be. */
export function reordered(waiting: readonly Ordered[], entry: Ordered, { priority, position }: ReorderEntry): Ordered[] {
  if (position === undefined) return [{ ...entry, priority: priority ?? entry.priority }]
  if (position > waiting.length) throw invalid("position", `must be from 1 to ${waiting.length}`)
  const others = waiting.filter((other) => other.appointmentId !== entry.appointmentId)
  const highest = others[position - 2]?.priority ?? PRIORITY_MAX
  const lowest = others[position - 1]?.priority ?? 0
  if (priority !== undefined && (priority > highest || priority < lowest))
    throw invalid("position", `is among priorities ${lowest} to ${highest}, not ${priority}`)
  const settled = Math.min(Math.max(priority ?? entry.priority, lowest), highest)
  const ahead = others.slice(0, position - 1).filter((other) => other.priority === settled)
  const behind = others.slice(position - 1).filter((other) => other.priority === settled)
  const group = [...ahead, { ...entry, priority: settled }, ...behind]
  const places = group.map((member) => member.place).sort((a, b) => a - b)
  return group.map((member, n) => ({ ...member, place: places[n] as number }))
}
