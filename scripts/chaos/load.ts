/** What people do all day: book (and race for a slot), change, check in, call in, pay. Several hands at once, until told to stop. */
import { between, chance, pick, type Random, weighted } from "../demo/random.ts"
import type { Asked, Caller, Calls } from "./calls.ts"
import type { Clinic, Member, World } from "./people.ts"

const HANDS = 6
const PAUSE_MAX_MS = 250
/** So many want the same time at once. */
const RIVALS = 6
const SLOT_MS = 1_800_000
/** Far enough ahead that no slot passes by during a run, near enough that all zones keep their clocks' rules. */
const FIRST_SLOT_MS = 2 * 86_400_000
const SLOTS = 60 * 48
/** Tomorrow's visits are reminded of: from 13 to 23 hours ahead, so that none comes near the end of that during a run of an hour. */
const SOON_SLOT_MS = 13 * 3_600_000
const SOON_SLOTS = 20
const SOON_SHARE = 0.15
/** Of what there is to change, the newest. */
const KNOWN_MAX = 200

/** The number that every payment provider gives for tests. */
const CARD = { method: "CARD", card: { number: "4242424242424242", expMonth: 12, expYear: 2039, holder: "Pat Jones" } }

const ACTIONS = { book: 6, race: 2, move: 12, reschedule: 3, next: 4, reorder: 2, pay: 5, settle: 5, read: 3 }
type Action = keyof typeof ACTIONS
const actionOf = weighted(Object.keys(ACTIONS) as Action[], (action) => ACTIONS[action])

type Visit = { id: string; status: string; clinic: Clinic; doctor: Member; patient: Member }

export class Load {
  readonly #visits = new Map<string, Visit>()
  readonly #payments: { id: string; by: Member[] }[] = []
  readonly #base = slotAfter(FIRST_SLOT_MS)
  readonly #soon = slotAfter(SOON_SLOT_MS)
  /** All of six digits: no key begins with another. */
  #serial = 100_000

  constructor(
    private readonly calls: Calls,
    private readonly world: World,
    private readonly random: Random,
  ) {}

  async run(): Promise<void> {
    await Promise.all(
      Array.from({ length: HANDS }, async () => {
        while (!this.calls.stopped) {
          await this.#act(actionOf(this.random))
          await Bun.sleep(between(this.random, 0, PAUSE_MAX_MS))
        }
      }),
    )
  }

  /** One desk of each clinic is turned away, while it listens. */
  async dismiss(): Promise<void> {
    for (const { doctors, dismissed } of this.world.clinics)
      await this.#put(doctors[0] as Member, `/receptionists/${dismissed.receptionistId}`, { status: "REVOKED" })
  }

  async #act(action: Action): Promise<void> {
    switch (action) {
      case "book":
        return await this.#book(pick(this.random, this.world.patients), this.#place(), this.#anySlot())
      case "race": {
        const [place, slot] = [this.#place(), this.#slot()]
        await Promise.all(this.world.patients.slice(0, RIVALS).map((patient) => this.#book(patient, place, slot)))
        return
      }
      case "move":
        return await this.#move()
      case "reschedule":
        return await this.#reschedule()
      case "next":
        return await this.#next()
      case "reorder":
        return await this.#reorder()
      case "pay":
        return await this.#pay()
      case "settle":
        return await this.#settle()
      case "read":
        return await this.#read()
    }
  }

  #place() {
    const clinic = pick(this.random, this.world.clinics)
    return { clinic, doctor: pick(this.random, clinic.doctors) }
  }

  #slot(): string {
    return new Date(this.#base + between(this.random, 0, SLOTS) * SLOT_MS).toISOString()
  }

  #anySlot(): string {
    if (!chance(this.random, SOON_SHARE)) return this.#slot()
    return new Date(this.#soon + between(this.random, 0, SOON_SLOTS) * SLOT_MS).toISOString()
  }

  #key(what: string): string {
    return `${what}-${++this.#serial}`
  }

  /** The reason is the key: so the rows tell how often it was obeyed. */
  async #book(patient: Member, { clinic, doctor }: { clinic: Clinic; doctor: Member }, scheduledAt: string): Promise<void> {
    const key = this.#key("book")
    const byDesk = chance(this.random, 0.2)
    const body = { doctorId: doctor.doctorId, scheduledAt, reason: key, ...(byDesk ? { patientId: patient.patientId } : {}) }
    const answer = await this.calls.make(byDesk ? clinic.desk : patient, { method: "POST", path: "/appointments", body, key })
    if (answer?.status !== 201) return
    this.#visits.set(String(answer.body.id), { id: String(answer.body.id), status: "PENDING", clinic, doctor, patient })
    const oldest = this.#visits.keys().next().value
    if (this.#visits.size > KNOWN_MAX && oldest) this.#visits.delete(oldest)
  }

  #visit(...statuses: string[]): Visit | undefined {
    const some = [...this.#visits.values()].filter((v) => statuses.includes(v.status))
    return some.length === 0 ? undefined : pick(this.random, some)
  }

  async #move(): Promise<void> {
    const visit = this.#visit("PENDING", "CONFIRMED", "WAITING", "IN_PROGRESS")
    if (!visit) return
    const { status, caller } = this.#nextOf(visit)
    const answer = await this.#put(caller, `/appointments/${visit.id}`, { status })
    this.#learn(visit, answer)
  }

  /** Mostly towards the visit's end. */
  #nextOf({ status, doctor, clinic, patient }: Visit): { status: string; caller: Caller } {
    const staff = pick(this.random, [doctor, clinic.desk])
    if (status !== "IN_PROGRESS" && chance(this.random, 0.15)) return { status: "CANCELLED", caller: pick(this.random, [staff, patient]) }
    if (status === "PENDING") return { status: chance(this.random, 0.1) ? "REJECTED" : "CONFIRMED", caller: staff }
    if (status === "CONFIRMED") return { status: chance(this.random, 0.1) ? "NO_SHOW" : "WAITING", caller: staff }
    return { status: status === "WAITING" ? "IN_PROGRESS" : "COMPLETED", caller: staff }
  }

  async #reschedule(): Promise<void> {
    const visit = this.#visit("PENDING", "CONFIRMED")
    if (!visit) return
    // Often where somebody else is: refusals must leave no trace.
    const scheduledAt = chance(this.random, 0.3) ? new Date(this.#base + between(this.random, 0, 12) * SLOT_MS).toISOString() : this.#slot()
    const caller = pick(this.random, [visit.patient, visit.clinic.desk])
    this.#learn(visit, await this.#put(caller, `/appointments/${visit.id}`, { scheduledAt }))
  }

  #learn(visit: Visit, answer: { status: number; body: Record<string, unknown> } | undefined): void {
    if (answer?.status === 200) visit.status = String(answer.body.status)
    // Somebody else has moved it, perhaps ourselves: a repeated PUT meets its own work.
    else this.#visits.delete(visit.id)
  }

  /** Both at the desk and in the room. */
  async #next(): Promise<void> {
    const { clinic, doctor } = this.#place()
    const ask = (caller: Caller) => this.#post(caller, "/receptionists/queue/next", { doctorId: doctor.doctorId }, this.#key("next"))
    for (const answer of await Promise.all([ask(clinic.desk), ask(doctor)])) {
      const visit = this.#visits.get(String(answer?.body.id))
      if (visit && answer?.status === 200) visit.status = "IN_PROGRESS"
    }
  }

  async #reorder(): Promise<void> {
    const visit = this.#visit("WAITING")
    if (!visit) return
    const body = chance(this.random, 0.5) ? { priority: between(this.random, 0, 9) } : { position: 1 }
    await this.#put(visit.clinic.desk, `/receptionists/queue/${visit.id}`, body)
  }

  /** The amount is the key's own: so the rows tell how often it was obeyed. */
  async #pay(): Promise<void> {
    const visit = this.#visit("PENDING", "CONFIRMED", "WAITING", "IN_PROGRESS", "COMPLETED")
    if (!visit) return
    const key = this.#key("pay")
    const method = chance(this.random, 0.5) ? { method: "CASH" } : CARD
    const body = { appointmentId: visit.id, amount: Number(key.slice("pay-".length)) / 100, ...method }
    const answer = await this.#post(pick(this.random, [visit.patient, visit.clinic.desk]), "/payments", body, key)
    if (answer?.status === 201) this.#payments.push({ id: String(answer.body.id), by: [visit.clinic.desk, visit.doctor] })
  }

  /** Two desks close one payment at once; one of them is told that it is closed. */
  async #settle(): Promise<void> {
    const payment = this.#payments.at(-between(this.random, 1, 20))
    if (!payment) return
    const status = pick(this.random, ["COMPLETED", "COMPLETED", "COMPLETED", "REFUNDED", "FAILED"])
    await Promise.all(payment.by.map((who) => this.#put(who, `/payments/${payment.id}/status`, { status })))
  }

  async #read(): Promise<void> {
    const { clinic, doctor } = this.#place()
    const patient = pick(this.random, this.world.patients)
    const [caller, path] = pick(this.random, [
      [patient, `/doctors/${doctor.doctorId}/availability?date=${this.#slot().slice(0, 10)}`],
      [patient, "/doctors/search?latitude=40&longitude=-74&radius=100"],
      [patient, "/notifications"],
      [clinic.desk, `/receptionists/queue?clinicId=${clinic.id}`],
      [clinic.desk, "/receptionists/stats"],
      [doctor, "/doctors/analytics?period=week"],
    ] as [Caller, string][])
    await this.calls.make(caller, { method: "GET", path })
  }

  #put(caller: Caller, path: string, body: Record<string, unknown>) {
    return this.calls.make(caller, { method: "PUT", path, body })
  }

  #post(caller: Caller, path: string, body: Record<string, unknown>, key: string) {
    return this.calls.make(caller, { method: "POST", path, body, key } satisfies Asked)
  }
}

function slotAfter(ms: number): number {
  return Math.ceil((Date.now() + ms) / SLOT_MS) * SLOT_MS
}
