import { Hono } from "hono"
import { Appointment } from "../core/appointments/schema.ts"
import { callNext } from "../core/queue/next.ts"
import { QueueBook } from "../core/queue/queue-book.ts"
import { readQueue } from "../core/queue/read.ts"
import { reorderEntry } from "../core/queue/reorder.ts"
import { CallNext, Queue, QueueQuery, ReorderEntry, WaitingEntry } from "../core/queue/schema.ts"
import { DayBook } from "../core/receptionists/day-book.ts"
import { decideReceptionist } from "../core/receptionists/decide.ts"
import { linkReceptionist } from "../core/receptionists/link.ts"
import { listReceptionistsFor } from "../core/receptionists/list.ts"
import {
  DecideReceptionist,
  DeskStats,
  LinkReceptionist,
  ListReceptionists,
  ReceptionistLink,
  ReceptionistListing,
  ReceptionistPage,
} from "../core/receptionists/schema.ts"
import { deskStats } from "../core/receptionists/stats.ts"
import { operation } from "./description/describe.ts"
import type { Deps, Env } from "./env.ts"
import { answered, doOnce } from "./once.ts"
import { readyJson } from "./ready-json.ts"
import { body, pathId, query } from "./validate.ts"

export const receptionists = ({ pool, codes, guards }: Deps) => {
  const days = new DayBook()
  const queues = new QueueBook()
  const staff = guards.only("DOCTOR", "RECEPTIONIST")
  return new Hono<Env>()
    .post(
      "/",
      operation({
        id: "linkReceptionist",
        tag: "Identity",
        summary: "Become a receptionist of a clinic",
        description: "With the clinic's code: ACTIVE at once. Without: PENDING until a doctor of the clinic decides.",
        answers: { 201: { schema: ReceptionistLink, description: "Linked." } },
        problems: { 409: "The caller has a profile already.", 429: "The caller's limit is used up, or five wrong codes in an hour." },
      }),
      guards.signedIn,
      body(LinkReceptionist),
      async (c) => {
        const { uid } = c.get("identity")
        const input = c.req.valid("json")
        const link = () => doOnce(c, pool, input, (tx) => linkReceptionist(tx, uid, input))
        return answered(c, await (input.verificationCode == null ? link() : codes.attempt(uid, link)))
      },
    )
    .get(
      "/",
      operation({
        id: "listReceptionists",
        tag: "Front desk",
        summary: "List who works at the caller's clinic or wants to",
        answers: { 200: { schema: ReceptionistPage, description: "A page of receptionists." } },
      }),
      guards.linked("DOCTOR", "RECEPTIONIST"),
      query(ListReceptionists),
      async (c) => c.json(await listReceptionistsFor(pool, c.get("principal"), c.req.valid("query"))),
    )
    .get(
      "/stats",
      operation({
        id: "readDay",
        tag: "Front desk",
        summary: "Read today at the clinic",
        answers: { 200: { schema: DeskStats, description: "Counts and appointments of today, in the clinic's zone." } },
        problems: { 404: "There is no such clinic." },
      }),
      guards.only("RECEPTIONIST"),
      async (c) => {
        const { appointments, ...counts } = await deskStats(pool, days, c.get("principal"), Date.now())
        const lists = { appointments: appointments.map(({ text }) => text) }
        return readyJson<DeskStats>(c, { appointments }, { object: counts, lists })
      },
    )
    .get(
      "/queue",
      operation({
        id: "readQueue",
        tag: "Front desk",
        summary: "Read the waiting room",
        answers: { 200: { schema: Queue, description: "Who is with a doctor, and who waits, in the order in which they are called." } },
        problems: { 404: "It is not the caller's clinic." },
      }),
      staff,
      query(QueueQuery),
      async (c) => {
        const { inProgress, waiting, ...state } = await readQueue(pool, queues, c.get("principal"), c.req.valid("query"))
        const lists = { inProgress: inProgress.map(({ text }) => text), waiting: waiting.map(({ text }) => text) }
        return readyJson<Queue>(c, { inProgress, waiting }, { object: state, lists })
      },
    )
    .post(
      "/queue/next",
      operation({
        id: "callNext",
        tag: "Front desk",
        summary: "Call the doctor's next patient in",
        description: "Two desks that call at once never get the same patient.",
        answers: { 200: { schema: Appointment, description: "The visit, IN_PROGRESS." } },
        problems: { 404: "There is no such doctor at the clinic.", 409: "Nobody waits." },
      }),
      staff,
      body(CallNext),
      async (c) => {
        const principal = c.get("principal")
        const input = c.req.valid("json")
        return answered(c, await doOnce(c, pool, input, (tx) => callNext(tx, principal, input)), 200)
      },
    )
    .put(
      "/queue/:appointmentId",
      operation({
        id: "reorderQueue",
        tag: "Front desk",
        summary: "Move a waiting patient forward or back",
        answers: { 200: { schema: WaitingEntry, description: "The entry at its new place." } },
        problems: { 409: "The patient does not wait (any more)." },
      }),
      staff,
      pathId("appointment", "appointmentId"),
      body(ReorderEntry),
      async (c) => c.json(await reorderEntry(pool, c.get("principal"), c.req.valid("param").appointmentId, c.req.valid("json"))),
    )
    .put(
      "/:id",
      operation({
        id: "decideReceptionist",
        tag: "Front desk",
        summary: "Accept, reject or revoke a receptionist",
        description: "Someone who is turned away has their sockets cut at once.",
        answers: { 200: { schema: ReceptionistListing, description: "The receptionist as it is now." } },
        problems: { 409: "The move is not allowed." },
      }),
      guards.only("DOCTOR"),
      pathId("receptionist"),
      body(DecideReceptionist),
      async (c) => c.json(await decideReceptionist(pool, c.get("principal"), c.req.valid("param").id, c.req.valid("json"))),
    )
}
