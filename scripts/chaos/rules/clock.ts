/** What runs by the clock: schedules that outlive whatever happens to Redis, and reminders that come once. */
import type { AppointmentRow, Evidence, LogRow, Schedules, Violation } from "../evidence.ts"

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Schedules are looked after every minute; whoever does so may be dead, frozen or cut off when the minute is over. */
const GONE_MAX_MS = MINUTE_MS + 30_000
/** Made anew and wiped again between two looks: that happens once, if at all. */
const WIPED_AGAIN_MS = MINUTE_MS
/** A run that is two minutes late is made anew by whoever looks next. */
const STUCK_MAX_MS = 3 * MINUTE_MS + 30_000
/** Whatever is broken is whole again within this of the last fault. */
const RECOVERY_MS = 10_000
/** Longer than a change may take from its writing to its commit. */
const COMMIT_MAX_MS = 10_000
/** Reminders go out in runs, a minute apart. */
const RUN_APART_MS = MINUTE_MS / 2

export function checkClock(evidence: Evidence): Violation[] {
  return [...standing(evidence), ...failing(evidence), ...reminders(evidence)]
}

/** From when it was seen first until the end each schedule is there, and has a run ahead. */
function standing({ schedules: { seen }, faults }: Evidence): Violation[] {
  const promise = "schedules outlive whatever happens to Redis and to whoever runs them"
  const names = new Set(seen.flatMap(({ next }) => Object.keys(next)))
  const wipes = faults.filter(({ what }) => what === "flush Redis").map(({ endedAt }) => endedAt)
  return [...names].flatMap((name) => {
    const gone = longest(seen, ({ next }) => next[name] !== undefined)
    const stuck = longest(seen, ({ next, at }) => next[name] !== undefined && next[name] > at)
    const again = wipes.filter((at) => at > gone.from && at < gone.to).length > 1
    const ms = ({ from, to }: Stretch) => `${Math.round((to - from) / 1_000)} s`
    if (gone.to - gone.from > GONE_MAX_MS + (again ? WIPED_AGAIN_MS : 0))
      return [{ promise, what: `${name} was gone for ${ms(gone)}`, about: [name] }]
    if (stuck.to - stuck.from > STUCK_MAX_MS) return [{ promise, what: `${name} had no run ahead for ${ms(stuck)}`, about: [name] }]
    return []
  })
}

type Stretch = { from: number; to: number }

/** The longest time from a look that fits to the last one before another that does. */
function longest(seen: Schedules["seen"], fits: (look: Schedules["seen"][number]) => boolean): Stretch {
  let since = seen.find(fits)?.at ?? Number.POSITIVE_INFINITY
  let most = { from: 0, to: 0 }
  for (const look of seen) {
    if (look.at - since > most.to - most.from) most = { from: since, to: look.at }
    if (fits(look)) since = look.at
  }
  return most
}

function failing({ schedules, faults }: Evidence): Violation[] {
  const calmFrom = Math.max(0, ...faults.map(({ endedAt }) => endedAt)) + RECOVERY_MS
  return schedules.failed
    .filter(({ at }) => at > calmFrom)
    .map(({ id, at }) => ({
      promise: "no run of a schedule fails while all is well",
      what: `${id}, ${new Date(at).toISOString()}`,
      about: [id],
    }))
}

/**
 * Whoever is confirmed for tomorrow is reminded once for each time that the visit moves to. Of two runs that reminded anybody after a
 * visit was confirmed one has met it: it is passed over only while somebody is changing it.
 */
function reminders({ log, appointments }: Evidence): Violation[] {
  const promise = "whoever is confirmed for tomorrow is reminded, once for each time of the visit"
  const rows = new Map(appointments.map((row) => [row.id, row]))
  const states = new Map<string, LogRow>()
  const reminded = new Map<string, number>()
  const violations: Violation[] = []
  const runs: number[] = []
  for (const event of log) {
    const { name, data, offset, at } = event
    const id = String(data.appointmentId)
    if (name === "appointment:new" || name === "appointment:update") states.set(id, event)
    if (name !== "appointment:reminder") continue
    if (at - (runs.at(-1) ?? 0) > RUN_APART_MS) runs.push(at)
    const time = timeOf(event)
    const times = (reminded.get(`${id} ${time}`) ?? 0) + 1
    reminded.set(`${id} ${time}`, times)
    const state = states.get(id)
    const isDue = state?.data.status === "CONFIRMED" && timeOf(state) === time && time > at && time <= at + 24 * HOUR_MS
    if (times === 1 && isDue) continue
    const why = times > 1 ? `the ${times}. time` : `while it was ${state?.data.status ?? "not there"} at ${state?.data.scheduledAt}`
    violations.push({ promise, what: `${id} was reminded of ${data.scheduledAt} at ${offset}, ${why}`, about: [id, event.id] })
  }
  for (const [id, state] of states) {
    const row = rows.get(id)
    const met = runs.filter((run) => state.at + COMMIT_MAX_MS < run && row && isTomorrow(row, run))
    if (row?.status !== "CONFIRMED" || state.data.status !== "CONFIRMED" || met.length < 2 || reminded.has(`${id} ${row.start}`)) continue
    violations.push({ promise, what: `${id} was never reminded of ${state.data.scheduledAt}`, about: [id] })
  }
  return violations
}

const timeOf = ({ data }: LogRow) => Date.parse(String(data.scheduledAt))

/** Reminders of tomorrow go out until twelve hours before. */
const isTomorrow = ({ start }: AppointmentRow, run: number) => start > run + 12 * HOUR_MS && start <= run + 24 * HOUR_MS
