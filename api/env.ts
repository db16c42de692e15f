import type { BookingDesk } from "../core/appointments/book.ts"
import type { Recorder } from "../core/audit/recorder.ts"
import type { Unheard } from "../core/audit/unheard.ts"
import type { Identity, Principal } from "../core/auth/principal.ts"
import type { CodeTries } from "../core/clinics/code-tries.ts"
import type { Config } from "../core/config.ts"
import type { Pool } from "../core/db.ts"
import type { SearchIndex } from "../core/doctors/index/service.ts"
import type { SearchDb } from "../core/doctors/search/search.ts"
import type { Health } from "../core/health.ts"
import type { Log } from "../core/log.ts"
import type { ObserveRequest } from "../core/metrics/requests.ts"
import type { Admission } from "./admission.ts"
import type { Answered } from "./audit-rules.ts"
import type { Guards } from "./guards.ts"

/** What a request carries on its way. */
export type Env = {
  Variables: {
    requestId: string
    address: string | null
    /** The body is not UTF-8. */
    isNoText?: true
    identified?: Promise<Identity>
    identity: Identity
    principal: Principal
    /** Puts what a route is about to answer into the audit, if it is audited. Resolves when that is committed. */
    record?: (shown: Answered) => Promise<void>
  }
  /** Bun's server, where it is one that serves. */
  Bindings: { requestIP?: (request: Request) => { address: string } | null }
}

/** What the routes work with; made once, in main. */
export type Deps = {
  config: Config
  pool: Pool
  /** For searches that Postgres answers. */
  searchDb: SearchDb
  log: Log
  health: Health
  admission: Admission
  desk: BookingDesk
  codes: CodeTries
  guards: Guards
  /** Answers searches at once while it is ready. */
  searchIndex: SearchIndex
  recorder: Recorder
  unheard: Unheard
  /** Called after every write: what was committed is published soon. */
  published: () => void
  /** Told of every answer; undefined: nobody measures. */
  observeRequest?: ObserveRequest
}
