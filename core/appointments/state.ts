/** The appointment's state machine. */
import { conflict } from "../errors.ts"
import type { AppointmentStatus } from "./schema.ts"

const moves: Record<AppointmentStatus, readonly AppointmentStatus[]> = {
  PENDING: ["CONFIRMED", "REJECTED", "CANCELLED"],
  CONFIRMED: ["WAITING", "CANCELLED", "NO_SHOW"],
  WAITING: ["IN_PROGRESS", "CANCELLED", "NO_SHOW"],
  IN_PROGRESS: ["COMPLETED"],
  REJECTED: [],
  CANCELLED: [],
  COMPLETED: [],
  NO_SHOW: [],
}

/** Refuses a move that the machine does not have, naming both states. */
export function requireMove(from: AppointmentStatus, to: AppointmentStatus): void {
  if (!moves[from].includes(to)) throw conflict(`An appointment that is ${from} cannot become ${to}.`)
}

/** Before the visit begins at the desk, it can be moved to another slot. */
export function requireReschedulable(status: AppointmentStatus): void {
  if (status !== "PENDING" && status !== "CONFIRMED") throw conflict(`An appointment that is ${status} cannot be rescheduled to PENDING.`)
}
