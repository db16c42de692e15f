import type { Pool, Tx } from "../db.ts"
import { announce } from "../events/log.ts"
import { currencyDecimals } from "../fields.ts"
import { instant } from "../time.ts"
import { commitUnhurried, readByIndex } from "../work/queries.ts"
import { type DayBounds, daysOfInstants, daysOfUtcDays, daysUpTo, today } from "./days.ts"
import {
  computeDays,
  type DoctorDay,
  type Due,
  deleteDays,
  findOldestUnwritten,
  insertRollups,
  isDue,
  listActiveUtcDays,
  listRollupStates,
  lockOthersDue,
  lockRollups,
  type RollupState,
  takeRollupsDue,
  updateRollups,
} from "./queries.ts"

/** What one statement computes: within a second even where each day is full. */
const DAYS_PER_STATEMENT = 200

/** Days whose figures changed, of one doctor. */
type Changed = { state: Computing; days: string[] }

/**
 * Brings a doctor's rollups up to date: the days that are due, or all of them where the zone or the currency is no longer what they
 * were made with. Computed from the rows, so twice is harmless; rivals for a doctor take turns. The doctor hears of each day whose
 * figures changed; when all were made anew, of today alone, which is in every window.
 *
 * Takes along up to `others` doctors who wait, since a transaction for many costs little more than one for one.
 */
export async function recomputeRollups(pool: Pool, doctorId: string, others = 0): Promise<void> {
  if (!(await isDue(pool, doctorId))) return
  await pool.begin(async (tx) => {
    const [, , , along] = await Promise.all([
      commitUnhurried(tx),
      readByIndex(tx),
      lockOwn(tx, doctorId),
      others > 0 ? lockOthersDue(tx, others) : [],
    ])
    const doctorIds = [...new Set([doctorId, ...along])]
    const states = await statesOf(tx, doctorIds)
    const due = await takeRollupsDue(tx, doctorIds)
    await finish(
      tx,
      await computeDue(
        tx,
        states,
        Map.groupBy(due, (d) => d.doctorId),
      ),
    )
  })
}

/** As {@link recomputeRollups}, for the last `days` days whether due or not. Returns those that differed and are mended. */
export async function verifyRollups(pool: Pool, doctorId: string, days: number, now: number): Promise<string[]> {
  return await pool.begin(async (tx) => {
    await lockRollups(tx, doctorId)
    const [state] = await statesOf(tx, [doctorId])
    // What has another zone or currency is about to be made anew.
    if (!state || !isMade(state)) return []
    // Of what is due on other days, the figures are still as old as they were.
    const verified = (await isDue(tx, doctorId)) ? { ...state, computedAt: state.madeAt } : state
    const changed = await compute(tx, [{ state: verified, days: daysUpTo(today(state.timezone, now), days, state.timezone) }])
    await finish(tx, changed)
    return changed[0]?.days ?? []
  })
}

/** Once what is due by the next statement is computed, every change that was committed before `computedAt` is counted. */
type Computing = RollupState & { computedAt: Date }

/**
 * A change is due from when its event is read. So figures are of now, unless a change is committed of which that is not yet so: then
 * of when the oldest such change occurred, which was before it was committed. What was counted once stays counted, so the time never
 * goes back.
 */
async function statesOf(tx: Tx, doctorIds: string[]): Promise<Computing[]> {
  // In this order: the second sees what was committed by the time of the first, and what it sees as written down the next one takes.
  const states = await listRollupStates(tx, doctorIds)
  const unwritten = await findOldestUnwritten(tx)
  return states.map((state) => ({ ...state, computedAt: latest(state.madeAt, earliest(state.now, unwritten)) }))
}

const earliest = (a: Date, b: Date | undefined) => (b && b < a ? b : a)
const latest = (a: Date, b: Date) => (a > b ? a : b)

async function lockOwn(tx: Tx, doctorId: string): Promise<void> {
  if (await lockRollups(tx, doctorId)) return
  await insertRollups(tx, doctorId)
  await lockRollups(tx, doctorId)
}

function isMade({ timezone, currency, madeTimezone, madeCurrency }: RollupState): boolean {
  return timezone === madeTimezone && currency === madeCurrency
}

async function computeDue(tx: Tx, states: Computing[], due: Map<string, Due[]>): Promise<Changed[]> {
  const someDays: { state: Computing; days: DayBounds[] }[] = []
  const changed: Changed[] = []
  for (const state of states) {
    const of = due.get(state.doctorId) ?? []
    if (of.length === 0) continue
    if (!isMade(state) || of.some((d) => d.everyDay)) changed.push(await computeAll(tx, state))
    else {
      const instants = of.flatMap(({ at }) => at ?? [])
      if (instants.length > 0) someDays.push({ state, days: daysOfInstants(instants, state.timezone) })
    }
  }
  return [...changed, ...(await compute(tx, someDays))]
}

async function computeAll(tx: Tx, state: Computing): Promise<Changed> {
  const { doctorId, timezone, now } = state
  const deleted = await deleteDays(tx, doctorId)
  const computed = await compute(tx, [{ state, days: daysOfUtcDays(await listActiveUtcDays(tx, doctorId), timezone) }])
  const hasChanged = deleted > 0 || computed.some(({ days }) => days.length > 0)
  return { state, days: hasChanged ? [today(timezone, now.getTime()).toString()] : [] }
}

async function compute(tx: Tx, asked: { state: Computing; days: DayBounds[] }[]): Promise<Changed[]> {
  const days: DoctorDay[] = asked.flatMap(({ state: { doctorId, currency }, days }) =>
    days.map((bounds) => ({ ...bounds, doctorId, currency, decimals: currencyDecimals(currency) })),
  )
  const written: { doctorId: string; day: string }[] = []
  for (let at = 0; at < days.length; at += DAYS_PER_STATEMENT)
    written.push(...(await computeDays(tx, days.slice(at, at + DAYS_PER_STATEMENT))))
  const byDoctor = Map.groupBy(written, (row) => row.doctorId)
  return asked.map(({ state }) => ({ state, days: (byDoctor.get(state.doctorId) ?? []).map((row) => row.day) }))
}

/** The rollups are locked since before they were computed, so the events of one doctor are in the order of their computations. */
async function finish(tx: Tx, changed: Changed[]): Promise<void> {
  if (changed.length === 0) return
  const events = changed.flatMap(({ state: { doctorId, computedAt }, days }) =>
    days.map((date) => ({ name: "analytics:update" as const, data: { date, computedAt: instant(computedAt) }, about: { doctorId } })),
  )
  await Promise.all([
    updateRollups(
      tx,
      changed.map(({ state }) => state),
    ),
    announce(tx, ...events),
  ])
}
