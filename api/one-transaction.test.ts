/** A change and what follows from it commit together: where the last of its events cannot be written, nothing has changed. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { markNoShows } from "../core/appointments/clock/no-shows.ts"
import { clinicOf, type Person, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
  const { pool } = api.database
  await pool`create table unwritable_events (name text primary key)`
  await pool`grant select on unwritable_events to public`
  await pool`
    create function refuse_event() returns trigger language plpgsql as $$ begin
      if exists (select from unwritable_events where name = new.name) then raise exception 'cannot be written'; end if;
      return new;
    end $$`
  await pool`create trigger refuse_event before insert on events for each row execute function refuse_event()`
})
afterAll(() => api[Symbol.asyncDispose]())

type Visit = { id: string; patient: Person; doctor: Person; desk: Person }

/** An appointment that has gone through these states. */
async function visit(...states: string[]): Promise<Visit> {
  const { patient, doctor, doctorId, clinicId, slots } = await clinicOf(api)
  const desk = await receptionistOf(api, clinicId)
  const { id } = (await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })).body
  for (const status of states) expect((await desk.put(`/appointments/${id}`, { status })).status).toBe(200)
  return { id, patient, doctor, desk }
}

async function paidVisit(): Promise<Visit> {
  const made = await visit()
  const { body } = await made.patient.post("/payments", { appointmentId: made.id, amount: 10, method: "CASH" })
  expect((await made.desk.put(`/payments/${body.id}/status`, { status: "COMPLETED" })).status).toBe(200)
  return made
}

/** All that a move may change, and how many events there are. */
async function state(id: string): Promise<Record<string, unknown>> {
  const [row] = await api.database.pool`
    select a.status, a.version, a.xmin::text as appointment,
      (select json_agg(json_build_array(p.status, p.refunded_at, p.xmin::text)) from payments p where p.appointment_id = a.id) as payments,
      (select json_agg(q.xmin::text) from queue_entries q where q.appointment_id = a.id) as entries,
      (select count(*) from events) as events
    from appointments a where a.id = ${id}`
  return { ...row }
}

/** Undescribed: the API describes no failure of its own. */
async function failingMove(by: Person, id: string, status: string): Promise<number> {
  const headers = { authorization: `Bearer ${by.token}`, "content-type": "application/json" }
  return (await fetch(`${api.url}/api/v1/appointments/${id}`, { method: "PUT", headers, body: JSON.stringify({ status }) })).status
}

async function whileUnwritable(name: string, act: () => Promise<void>): Promise<void> {
  await api.database.pool`insert into unwritable_events values (${name})`
  await act().finally(() => api.database.pool`delete from unwritable_events`)
}

const moves: { what: string; before: () => Promise<Visit>; by: "patient" | "doctor" | "desk"; to: string; event: string }[] = [
  { what: "a paid visit's rejection and its refund", before: paidVisit, by: "doctor", to: "REJECTED", event: "payment:update" },
  { what: "a paid visit's cancellation and its refund", before: paidVisit, by: "patient", to: "CANCELLED", event: "payment:update" },
  { what: "a check-in and its place in the queue", before: () => visit("CONFIRMED"), by: "desk", to: "WAITING", event: "queue:update" },
  {
    what: "a cancellation and the end of the wait",
    before: () => visit("CONFIRMED", "WAITING"),
    by: "patient",
    to: "CANCELLED",
    event: "queue:update",
  },
  {
    what: "a no-show and the end of the wait",
    before: () => visit("CONFIRMED", "WAITING"),
    by: "desk",
    to: "NO_SHOW",
    event: "queue:update",
  },
  {
    what: "a call and the end of the wait",
    before: () => visit("CONFIRMED", "WAITING"),
    by: "desk",
    to: "IN_PROGRESS",
    event: "queue:update",
  },
  {
    what: "the end of a visit and its leaving the queue",
    before: () => visit("CONFIRMED", "WAITING", "IN_PROGRESS"),
    by: "doctor",
    to: "COMPLETED",
    event: "queue:update",
  },
]

for (const { what, before, by, to, event } of moves)
  test(`${what} are one transaction: without the event there is neither, with it both`, async () => {
    const made = await before()
    const was = await state(made.id)
    await whileUnwritable(event, async () => {
      expect(await failingMove(made[by], made.id, to)).toBe(500)
      expect(await state(made.id)).toEqual(was)
    })
    expect((await made[by].put(`/appointments/${made.id}`, { status: to })).status).toBe(200)
    const now = await state(made.id)
    expect(now.status).toBe(to)
    // The rows that the move wrote have the id of one transaction.
    if (event === "payment:update") expect(now.payments).toEqual([["REFUNDED", expect.any(String), now.appointment]])
    else expect(now.entries).toEqual(to === "WAITING" || to === "IN_PROGRESS" ? [now.appointment] : null)
    const events = await api.database.pool<{ name: string }[]>`
      select name from events order by seq desc limit ${(now.events as number) - (was.events as number)}`
    expect(events.map(({ name }) => name)).toContain(event)
    expect(events.map(({ name }) => name)).toContain("appointment:update")
  })

test("the worker's marking of a visit that nobody came to is one transaction with its event", async () => {
  const { id } = await visit("CONFIRMED")
  const { pool } = api.database
  const late = Date.now() + 30 * 86_400_000
  const was = await state(id)
  await whileUnwritable("appointment:update", async () => {
    await expect(markNoShows(pool, 60, late)).rejects.toThrow("cannot be written")
    expect(await state(id)).toEqual(was)
  })
  await markNoShows(pool, 60, late)
  expect((await state(id)).status).toBe("NO_SHOW")
})
