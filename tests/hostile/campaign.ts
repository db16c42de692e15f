/** Requests on many connections at once, each answer judged, and what came of it all. */
import fc from "fast-check"
import type { OpenApi } from "../../api/description/openapi.ts"
import { doctorInput } from "../harness/api.ts"
import { ROLES } from "../harness/cast.ts"
import { CutOff, Wire, type WireAnswer } from "../harness/wire.ts"
import { KINDS_OF_IDS } from "./arbitraries.ts"
import { type HostileRequest, Requests } from "./requests.ts"
import type { Target } from "./target.ts"
import { ANSWER_MAX_MS, Verdicts } from "./verdict.ts"
import type { World } from "./world.ts"

/** Made at a time, so that making them holds nobody up for long. */
const BATCH = 500
const CONNECTIONS = 48
/** How often the doctor's practice is opened again: without, the first accepted change of its hours ends all bookings. */
const REOPEN_EVERY = 2_000
/** Enough to see what is wrong. */
const FAULTS_MAX = 20
/** So many things of a kind are known at a time; the newest, for they are in the states that most can be done in. */
const KNOWN_MAX = 60
/** At most so many of each kind are known from the beginning, and stay: the victim's are among them. */
const KNOWN_FIRST = 5
const TOLD_CHARS = 1_000

/** Everybody, and more often those who may do most. */
const CALLERS = [...ROLES, "nobody", "patient", "patient", "doctor", "doctor", "desk", "desk", "newcomer"] as const
type Caller = (typeof CALLERS)[number]
type Counts = { sent: number; succeeded: number; refused: number }

export class Campaign {
  readonly faults: string[] = []
  readonly byOperation = new Map<string, Counts>()
  readonly byCaller = new Map<string, Counts>()
  answered = 0
  #sent = 0
  readonly #made: Generator<[HostileRequest, Caller]>
  readonly #verdicts: Verdicts

  constructor(
    private readonly api: Target,
    private readonly world: World,
    document: OpenApi,
    private readonly seed: number,
  ) {
    this.#made = this.#make(new Requests(document, world.known))
    this.#verdicts = new Verdicts(document, world.victim.canaries)
  }

  /** How many were answered 503. */
  get unavailable(): number {
    return this.#verdicts.unavailable
  }

  /** Goes on until so many have been sent in all, or enough is wrong. */
  async run(upTo: number): Promise<void> {
    await Promise.all(Array.from({ length: CONNECTIONS }, () => this.#lane(upTo)))
  }

  /** Requests and their callers; the same for one seed, but for what was made meanwhile. */
  *#make(requests: Requests): Generator<[HostileRequest, Caller]> {
    const pair = fc.tuple(requests.all, fc.constantFrom<Caller[]>(...CALLERS))
    for (let batch = 0; ; batch++) yield* fc.sample(pair, { seed: this.seed + batch, numRuns: BATCH }) as [HostileRequest, Caller][]
  }

  async #lane(upTo: number): Promise<void> {
    let wire = await Wire.open(this.api.port)
    while (this.#sent < upTo && this.faults.length < FAULTS_MAX) {
      const serial = this.#sent++
      if (serial % REOPEN_EVERY === 0) await this.#reopen()
      const [hostile, caller] = this.#made.next().value as [HostileRequest, Caller]
      const fault = await this.#attack(wire, hostile, caller)
      if (fault) this.faults.push(`${fault}\n#${serial} by ${caller}: ${bytesOf(hostile, undefined).toString()}`)
      if (!wire.isOpen) wire = await Wire.open(this.api.port)
    }
    wire.close()
  }

  async #attack(wire: Wire, hostile: HostileRequest, caller: Caller): Promise<string | undefined> {
    const bytes = bytesOf(hostile, caller === "nobody" ? undefined : this.world.cast.of(caller).token)
    const patience = setTimeout(() => wire.close(), 2 * ANSWER_MAX_MS)
    try {
      const answer = await wire.ask(bytes, hostile.method === "HEAD")
      this.answered++
      count(this.byOperation, hostile.operation, answer.status)
      count(this.byCaller, caller, answer.status)
      if (answer.status === 201) this.#remember(hostile.operation, answer)
      const fault = this.#verdicts.faultOf(hostile, answer)
      return fault && `${fault}\n${answer.status} ${answer.body.toString().slice(0, TOLD_CHARS)}`
    } catch (error) {
      if (error instanceof CutOff) return error.message
      throw error
    } finally {
      clearTimeout(patience)
    }
  }

  async #reopen(): Promise<void> {
    await this.world.cast.of("doctor").patch("/doctors/me", { workingHours: doctorInput.workingHours, active: true, slotMinutes: 30 })
  }

  /** What was made is named by requests to come. */
  #remember(operation: string, { body }: WireAnswer): void {
    const kind = KINDS_OF_IDS.find((kind) => operation.endsWith(`/${kind}s`))
    if (!kind || kind === "doctor" || kind === "patient") return
    const ids = this.world.known.ids[kind]
    ids.push(JSON.parse(body.toString()).id)
    if (ids.length > KNOWN_MAX) ids.splice(KNOWN_FIRST, 1)
  }
}

function count(counts: Map<string, Counts>, key: string, status: number): void {
  const of = counts.get(key) ?? { sent: 0, succeeded: 0, refused: 0 }
  counts.set(key, { sent: of.sent + 1, succeeded: of.succeeded + Number(status < 300), refused: of.refused + Number(status >= 400) })
}

function bytesOf({ method, target, headers, body }: HostileRequest, token: string | undefined): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, "Host: 127.0.0.1"]
  if (token !== undefined) lines.push(`Authorization: Bearer ${token}`)
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  const content = body === undefined ? undefined : Buffer.from(body)
  if (content) lines.push(`Content-Length: ${content.length}`)
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), content ?? Buffer.alloc(0)])
}
