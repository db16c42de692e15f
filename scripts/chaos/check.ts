/** Compares what clients asked, were answered and heard with what the tables and the log hold. No line of the product runs here. */
import type { Evidence, Violation } from "./evidence.ts"
import { checkAnswers } from "./rules/answers.ts"
import { checkAudit } from "./rules/audit.ts"
import { checkClock } from "./rules/clock.ts"
import { checkDelivery } from "./rules/delivery.ts"
import { checkLog } from "./rules/log.ts"
import { checkQueues } from "./rules/queues.ts"
import { checkReadings } from "./rules/readings.ts"
import { checkRefusals } from "./rules/refusals.ts"
import { checkRows } from "./rules/rows.ts"
import { checkSearches } from "./rules/searches.ts"
import { checkSlots } from "./rules/slots.ts"
import { checkWork } from "./rules/work.ts"

const RULES = {
  checkRows,
  checkRefusals,
  checkAnswers,
  checkSlots,
  checkLog,
  checkQueues,
  checkDelivery,
  checkWork,
  checkClock,
  checkSearches,
  checkReadings,
  checkAudit,
}

/** Whose judgement it is: only that rule has to be asked again. */
export type Broken = Violation & { rule: keyof typeof RULES }

export function check(evidence: Evidence): Broken[] {
  return (Object.keys(RULES) as Broken["rule"][]).flatMap((rule) => RULES[rule](evidence).map((violation) => ({ ...violation, rule })))
}

/** Whether the same is still broken in this evidence. */
export function isStillBroken({ rule, promise, what }: Broken, evidence: Evidence): boolean {
  return RULES[rule](evidence).some((violation) => violation.promise === promise && violation.what === what)
}
