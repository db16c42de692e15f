/** Compares what clients asked, were answered and heard with what the tables and the log hold. No line of the product runs here. */
import type { Evidence, Violation } from "./evidence.ts"
import { checkAnswers } from "./rules/answers.ts"
import { checkAudit } from "./rules/audit.ts"
import { checkDelivery } from "./rules/delivery.ts"
import { checkLog } from "./rules/log.ts"
import { checkQueues } from "./rules/queues.ts"
import { checkRows } from "./rules/rows.ts"
import { checkSearches } from "./rules/searches.ts"
import { checkSlots } from "./rules/slots.ts"
import { checkWork } from "./rules/work.ts"

export function check(evidence: Evidence): Violation[] {
  return [
    ...checkRows(evidence),
    ...checkAnswers(evidence),
    ...checkSlots(evidence),
    ...checkLog(evidence),
    ...checkQueues(evidence),
    ...checkDelivery(evidence),
    ...checkWork(evidence),
    ...checkSearches(evidence),
    ...checkAudit(evidence),
  ]
}
