/** The payment's state machine. */
import { conflict } from "../errors.ts"
import type { PaymentStatus } from "./schema.ts"

const moves: Record<PaymentStatus, readonly PaymentStatus[]> = {
  PENDING: ["COMPLETED", "FAILED"],
  COMPLETED: ["REFUNDED"],
  FAILED: [],
  REFUNDED: [],
}

/** Refuses a move that the machine does not have, naming both states. */
export function requireMove(from: PaymentStatus, to: PaymentStatus): void {
  if (!moves[from].includes(to)) throw conflict(`A payment that is ${from} cannot become ${to}.`)
}
