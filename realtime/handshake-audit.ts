/**
 * Which sockets are let in and which are turned away, written into the audit before either is told. What a socket hears from then on follows
 * from who it is and from the changes, each of which has an entry of its own.
 */
import { type Actor, actorOf, entriesOf, type Outcome } from "../core/audit/entry.ts"
import type { Recorder } from "../core/audit/recorder.ts"
import type { Unheard } from "../core/audit/unheard.ts"
import type { Principal } from "../core/auth/principal.ts"

const SOCKET = { action: "READ", resource: "socket" } as const

export class HandshakeAudit {
  constructor(
    private readonly recorder: Recorder,
    private readonly unheard: Unheard,
  ) {}

  /** Of a patient's socket it is known whose data it shows; of a clinic's, what it hears names the patients. */
  async letIn(principal: Principal, address: string | null, lastOffset: number | undefined): Promise<void> {
    const ids = principal.role === "PATIENT" ? [principal.patientId] : []
    await this.recorder.record(
      entriesOf(actorOf({ ...principal, address }), { ...SOCKET, ids, outcome: "DONE", lastOffset: lastOffset ?? null }),
    )
  }

  /** Anybody may be turned away as often as they like: of each so many a minute are written down, and the others counted. */
  async turnedAway(actor: Actor, outcome: Outcome): Promise<void> {
    await this.unheard.record(actor, { ...SOCKET, ids: [], outcome })
  }
}
