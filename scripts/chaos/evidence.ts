/** What a run leaves to be judged: what clients asked, were answered and heard, and what the tables hold at the end. */

export type Role = "PATIENT" | "DOCTOR" | "RECEPTIONIST" | "NOBODY"

/** Somebody who listens, and who they are by what they were answered when they signed up. */
export type Person = {
  uid: string
  role: Role
  doctorId?: string
  patientId?: string
  /** Of a doctor, or of an active receptionist. */
  clinicId?: string
  /** In lower case: cities are compared without regard to it. */
  city?: string
  /** Of a doctor. */
  timezone?: string
}

export type Attempt = { at: number; ms: number; outcome: number | string }

/** One thing that somebody asked for, however often it had to be sent. */
export type Call = {
  who: string
  method: "POST" | "PUT" | "PATCH" | "GET"
  path: string
  key?: string
  body?: Record<string, unknown>
  attempts: Attempt[]
  /** The last answer, if any came. */
  answer?: { status: number; body: Record<string, unknown> }
}

export type Heard = { connection: number; at: number; name: string; data: Record<string, unknown>; id: string; offset: number }

/** What one client wrote down. Its first connection asks for everything from `from` on, each later one from the last offset it saw. */
export type Diary = {
  client: string
  person: Person
  /** "upgrading": by polling first and then by websocket, as clients do that are not told otherwise. */
  transport: "websocket" | "polling" | "upgrading"
  connections: { at: number; lastOffset: number }[]
  heard: Heard[]
  gaps: { at: number; from: number; to: number }[]
  /** When it was told that it has all up to there. */
  ready: { at: number; offset: number }[]
}

export type LogRow = {
  offset: number | null
  seq: number
  id: string
  name: string
  subject: string
  data: Record<string, unknown>
  at: number
}

export type AppointmentRow = {
  id: string
  doctorId: string
  patientId: string
  clinicId: string
  start: number
  end: number
  status: string
  version: number
  reason: string | null
}

export type PaymentRow = {
  id: string
  appointmentId: string | null
  doctorId: string
  patientId: string
  clinicId: string
  /** As text: exact. */
  amount: string
  status: string
  createdAt: number
  paidAt: number | null
  refundedAt: number | null
}

/** A doctor's day: `kept` by the rollups, `counted` from the rows by a query of our own. Null: no row, or nothing on that day. */
export type Figures = { doctorId: string; day: string; kept: string | null; counted: string | null }

export type Work = {
  head: number
  cursor: number
  unpublished: number
  due: number
  givenUp: number
  /** Rollups in BullMQ that wait, run or have failed for the last time. */
  jobs: number
}

/** What Redis knew of a schedule at some time: when its next run is. */
export type Schedules = {
  /** Each time that Redis answered, by name. */
  seen: { at: number; next: Record<string, number> }[]
  /** Runs that failed for the last time. */
  failed: { id: string; at: number }[]
}

/** A doctor's row as it was from one commit on; `at` is the commit's, by Postgres's own clock, in epoch milliseconds. */
export type DoctorState = {
  doctorId: string
  at: number
  active: boolean
  latitude: number
  longitude: number
  fee: number
  specialization: string
}

export type SearchQuery = { latitude: number; longitude: number; radius: number; specialization?: string; maxFee?: number }

export type Found = { id: string; latitude: number; longitude: number; fee: number; specialization: string; distanceKm: number | null }

/** `served`: which way it was, by its own word. Nothing found where it is not 200. */
export type SearchAnswer = { status: number; served: string; found: Found[]; total: number }

/** One search, asked of one process, from when it was sent to when it was answered or given up. */
export type Search = { process: string; from: number; to: number; query: SearchQuery; answer?: SearchAnswer }

/** What a process finds everywhere, at the end; `way`: by place or by name. */
export type WholeWorld = { process: string; way: string; answer?: SearchAnswer }

/**
 * What one process answers somebody when all is quiet: all pages of a list as its `data`, or one answer. `status`: 0 if none came in time.
 */
export type Reading = {
  process: string
  person: Person
  path: string
  from: number
  to: number
  status: number
  body: Record<string, unknown>
}

/** From a process's start to its end. */
export type Life = { process: string; from: number; to: number }

export type AuditEntry = { at: string; uid: string | null; action: string; resource: string; ids: string[]; outcome: string }

/** `verified`: empty if the log is as it was sealed, otherwise what was said. */
export type Audit = { entries: AuditEntry[]; unsealed: number; verified: string }

/** When nothing was wrong, and had not been for a while. */
export type Calm = { from: number; to: number }

/** `cut`: how many connections were, where that is what was done. */
export type FaultRecord = { at: number; endedAt: number; what: string; cut?: number }

export type Crash = { at: number; process: string; how: string }

export type Evidence = {
  /** The uids of receptionists whom their clinic has turned away. */
  dismissed: string[]
  calls: Call[]
  diaries: Diary[]
  faults: FaultRecord[]
  /** Processes that ended though nobody killed them, with the end of what they printed. */
  crashes: Crash[]
  log: LogRow[]
  appointments: AppointmentRow[]
  payments: PaymentRow[]
  figures: Figures[]
  work: Work
  schedules: Schedules
  doctorStates: DoctorState[]
  searches: Search[]
  worlds: WholeWorld[]
  readings: Reading[]
  lives: Life[]
  calm: Calm[]
  audit: Audit
}

/** What a broken promise is about, from which its history is told. */
export type Violation = {
  promise: string
  what: string
  /** Ids of appointments, payments, clinics or events that belong to the story. */
  about: string[]
  /** The client whose diary shows it. */
  client?: string
}
