import { afterAll, beforeAll, expect, test } from "bun:test"
import { clinicOf, receptionistOf, type TestApi, testApi } from "../../tests/harness/api.ts"
import type { Receptionist } from "../auth/principal.ts"
import { findPrincipal } from "../auth/queries.ts"
import type { Db } from "../db.ts"
import { updatePatient } from "../patients/queries.ts"
import { QueueBook } from "./queue-book.ts"
import { readQueue } from "./read.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

/** A clinic with so many waiting, and what a book answers to its desk. */
async function waitingRoom(count: number) {
  const clinic = await clinicOf(api)
  const desk = await receptionistOf(api, clinic.clinicId)
  const ids: string[] = []
  const checkIn = async () => {
    const scheduledAt = clinic.slots[ids.length]?.start
    const { body } = await clinic.patient.post("/appointments", { doctorId: clinic.doctorId, scheduledAt })
    for (const status of ["CONFIRMED", "WAITING"]) await desk.put(`/appointments/${body.id}`, { status })
    ids.push(body.id)
  }
  for (let n = 0; n < count; n++) await checkIn()
  const caller = (await findPrincipal(api.database.pool, desk.uid)) as Receptionist
  const answered = async (book: QueueBook, db: Db = api.database.pool) => {
    const { inProgress, waiting, ...state } = await readQueue(db, book, caller, {})
    const told = (entries: { text: string }[]) => entries.map(({ text }) => JSON.parse(text))
    return { ...state, inProgress: told(inProgress), waiting: told(waiting) }
  }
  return { ...clinic, desk, ids, checkIn, answered }
}

test("what is remembered of a queue is never old: every kind of change shows in the next answer", async () => {
  const room = await waitingRoom(5)
  const { desk, ids, doctor, doctorId, patient, clinicId } = room
  const [first, second, third, fourth, fifth] = ids
  const book = new QueueBook()
  const { pool } = api.database
  const move = (id: string | undefined, status: string) => desk.put(`/appointments/${id}`, { status })
  const changes: Record<string, () => unknown> = {
    nothing: () => {},
    "a call": () => desk.post("/receptionists/queue/next", { doctorId }),
    "a priority": () => desk.put(`/receptionists/queue/${fifth}`, { priority: 5 }),
    "a position": () => desk.put(`/receptionists/queue/${second}`, { position: 3 }),
    "a cancelled visit": () => patient.put(`/appointments/${third}`, { status: "CANCELLED" }),
    "a missed one": () => move(fourth, "NO_SHOW"),
    "one that ends": () => move(first, "COMPLETED"),
    "one who comes": () => room.checkIn(),
    "a name": () => patient.patch("/patients/me", { name: "Pat Smith" }),
    "a slot's length": () => doctor.patch("/doctors/me", { slotMinutes: 60 }),
    "a pace": () => pool`insert into doctor_paces (doctor_id, typical_ms) values (${doctorId}, 480000)`,
    "the end of an entry's day": () => pool`update queue_entries set lapses_at = now() where appointment_id = ${fifth as string}`,
    "the last call": () => desk.post("/receptionists/queue/next", { doctorId }),
    "an empty waiting room": () => pool`delete from queue_entries where clinic_id = ${clinicId}`,
  }
  for (const [change, make] of Object.entries(changes)) {
    await make()
    // Without a memory. Both may meet two minutes, between which every estimate differs.
    const pairs = [await room.answered(book), await room.answered(new QueueBook()), await room.answered(book)]
    const afresh = JSON.stringify(pairs[1])
    expect([change, pairs.some((pair, n) => n !== 1 && JSON.stringify(pair) === afresh)]).toEqual([change, true])
    expect([change, pairs[0]?.waiting.map((w) => w.appointmentId)]).toEqual([change, pairs[1]?.waiting.map((w) => w.appointmentId)])
    expect((await desk.get("/receptionists/queue")).body).toMatchObject({ inProgress: pairs[0]?.inProgress })
  }
})

test("a name that was changed before a reading and is committed after it shows in the next one", async () => {
  const { answered, patientId } = await waitingRoom(2)
  const book = new QueueBook()
  const names = async () => (await answered(book)).waiting.map((w) => w.patientName)
  expect(await names()).toEqual(["Pat Jones", "Pat Jones"])
  const committing = Promise.withResolvers<void>()
  const renamed = api.database.pool.begin(async (tx) => {
    await updatePatient(tx, patientId, { name: "Pat Late", phone: null, city: null, latitude: null, longitude: null })
    await committing.promise
  })
  expect(await names()).toEqual(["Pat Jones", "Pat Jones"])
  // Others are changed meanwhile.
  await waitingRoom(0)
  expect(await names()).toEqual(["Pat Jones", "Pat Jones"])
  committing.resolve()
  await renamed
  expect(await names()).toEqual(["Pat Late", "Pat Late"])
})

/** A pool in which something happens just before entries are read, after it was found which of them are to be. */
function interrupted(pool: Db, happens: () => Promise<unknown>): Db {
  const query = (strings: TemplateStringsArray, ...values: never[]) =>
    strings.join("").includes("where e.appointment_id = any(") ? happens().then(() => pool(strings, ...values)) : pool(strings, ...values)
  return Object.assign(query, pool) as unknown as Db
}

test("an answer is of one moment, whatever changes while it is read", async () => {
  const { answered, ids } = await waitingRoom(6)
  const book = new QueueBook()
  await answered(book)
  const { pool } = api.database
  // One is first, always: the mark goes from one to another in a transaction.
  const first = (id: string) => pool`
    update queue_entries set priority = case when appointment_id = ${id} then 9 else 0 end
    where appointment_id = any(${ids}::uuid[]) and (priority = 9 or appointment_id = ${id})`
  const firsts = async (db: Db) => (await answered(book, db)).waiting.flatMap((w) => (w.priority === 9 ? [w.appointmentId] : []))
  for (let turn = 0; turn < ids.length - 1; turn++) {
    await first(ids[turn] as string)
    let left = turn % 3
    const db = interrupted(pool, async () => {
      if (left-- > 0) await first(ids[(turn + 1 + left) % ids.length] as string)
    })
    const shown = await firsts(db)
    expect([turn, shown]).toEqual([turn, [expect.any(String)]])
    expect(await firsts(pool)).toEqual(shown)
  }
})
