/**
 * When all is quiet, what every process now answers to those who may read: their appointments and payments, doctors' figures, and the
 * times that are free on the days that are fullest.
 */
import { Calls } from "./calls.ts"
import type { Cluster } from "./cluster.ts"
import type { AppointmentRow, Person, Reading } from "./evidence.ts"
import type { Member, World } from "./people.ts"
import { dayOf } from "./rules/days.ts"

const APIS = ["api-0", "api-1"] as const
const HANDS = 4
/** Nothing is wrong any more, but the machine may be busy. */
const ANSWER_MAX_MS = 10_000
/** For all of them; who is not asked by then has not been answered. */
const ALL_MAX_MS = 60_000
const PAGE = 100
const PAGES_MAX = 2_000
const PERIODS = ["day", "week", "month", "3months", "year"] as const
const FULLEST_DAYS = 2
/** By when no time of the day can pass by while it is read. */
const DAY_AHEAD_MS = 2 * 86_400_000
/** What of a list's item is compared. */
const COMPARED = ["id", "status", "version", "scheduledAt", "amount", "paidAt"]

type Question = { process: (typeof APIS)[number]; who: Member; path: string }

export async function readAll(cluster: Cluster, world: World, appointments: AppointmentRow[]): Promise<Reading[]> {
  const questions = questionsTo(world, appointments)
  const deadline = Date.now() + ALL_MAX_MS
  const calls = new Map(
    APIS.map((name) => [name, new Calls(`http://127.0.0.1:${cluster.processes.ports.get(name)}`, ANSWER_MAX_MS)] as const),
  )
  const readings: Reading[] = []
  let next = 0
  const work = async () => {
    for (let n = next++; n < questions.length; n = next++) {
      const question = questions[n] as Question
      readings.push(await answered(calls.get(question.process) as Calls, question, deadline))
    }
  }
  await Promise.all(Array.from({ length: HANDS }, work))
  return readings
}

function questionsTo({ clinics, patients }: World, appointments: AppointmentRow[]): Question[] {
  const doctors = clinics.flatMap((clinic) => clinic.doctors)
  const everybody = [...doctors, ...patients, ...clinics.flatMap(({ desk, dismissed }) => [desk, dismissed])]
  const asked = [
    ...everybody.flatMap((who) => ["/appointments", "/payments"].map((path) => ({ who, path }))),
    ...doctors.flatMap((who) => [
      ...PERIODS.map((period) => ({ who, path: `/doctors/analytics?period=${period}` })),
      ...fullestDays(who, appointments).map((date) => ({ who, path: `/doctors/${who.doctorId}/availability?date=${date}` })),
    ]),
  ]
  return APIS.flatMap((process) => asked.map((question) => ({ process, ...question })))
}

function fullestDays({ doctorId, timezone = "UTC" }: Person, appointments: AppointmentRow[]): string[] {
  const own = appointments.filter((row) => row.doctorId === doctorId && row.start > Date.now() + DAY_AHEAD_MS)
  const days = Map.groupBy(own, ({ start }) => dayOf(start, timezone))
  return [...days]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .slice(0, FULLEST_DAYS)
    .map(([day]) => day)
}

/** All pages of a list together, one answer of anything else. */
async function answered(calls: Calls, { process, who, path }: Question, deadline: number): Promise<Reading> {
  const { uid, role, doctorId, patientId, clinicId, timezone } = who
  const reading = { process, person: { uid, role, doctorId, patientId, clinicId, timezone }, path, from: Date.now() }
  const isList = !path.startsWith("/doctors/")
  const data: Record<string, unknown>[] = []
  let cursor = ""
  for (let page = 0; page < PAGES_MAX && Date.now() < deadline; page++) {
    const answer = await calls.make(who, { method: "GET", path: isList ? `${path}?limit=${PAGE}${cursor}` : path })
    if (answer?.status !== 200) return { ...reading, to: Date.now(), status: answer?.status ?? 0, body: {} }
    if (!isList) return { ...reading, to: Date.now(), status: 200, body: answer.body }
    data.push(...(answer.body.data as Record<string, unknown>[]).map(compared))
    if (answer.body.nextCursor === null) return { ...reading, to: Date.now(), status: 200, body: { data } }
    cursor = `&cursor=${encodeURIComponent(String(answer.body.nextCursor))}`
  }
  return { ...reading, to: Date.now(), status: 0, body: {} }
}

function compared(item: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(COMPARED.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])))
}
