/**
 * Rows of a clinic that a process remembers, so that a reading costs what has changed. Each row has a mark that changes whenever the
 * row does, and the marks of all come as one text: that nothing has changed is one comparison. A patient's name stands in another row;
 * patients changed by a transaction that the last reading could not see make their rows stale as well. So memory saves the reading and
 * can never be wrong.
 */

/** When more patients have changed since, as after a day without questions, everything is read again. */
export const CHANGED_MAX = 500

/** What one statement finds. */
export type MarkState = {
  /** `id mark` of each row, commas between. */
  marks: string
  /** The oldest transaction that this reading could not see. */
  horizon: string
  /** Patients who were changed in or after the transaction asked for, up to {@link CHANGED_MAX}. */
  changed: readonly string[]
}

/** `marked`: where the row tells it, `id mark` as of the moment at which the row was read. */
type Row = { id: string; patientId: string; marked?: string }

export type MarkedRows<R> = {
  /** In order. The same array as before where nothing has changed. */
  rows: readonly R[]
  marks: string
  horizon: string
  /** `id mark` each, and the row of each; undefined for one that was gone when it was to be read. */
  marked: readonly string[]
  found: readonly (R | undefined)[]
}

/**
 * The rows that the marks speak of; `read` reads those that are not remembered as they are now. One that changes between the marks and
 * its reading is of another mark the next time, and is read again then.
 */
export async function refreshed<R extends Row>(
  before: MarkedRows<R> | undefined,
  { marks, horizon, changed }: MarkState,
  read: (ids: string[]) => Promise<R[]>,
  order: (a: R, b: R) => number,
): Promise<MarkedRows<R>> {
  const known = changed.length < CHANGED_MAX ? before : undefined
  const people = new Set(changed)
  if (known?.marks === marks && !known.rows.some(({ patientId }) => people.has(patientId))) return { ...known, horizon }
  const marked = marks === "" ? [] : marks.split(",")
  const found = recalled(known, marked).map((row) => (row && people.has(row.patientId) ? undefined : row))
  const ids = marked.flatMap((each, n) => (found[n] ? [] : [idIn(each)]))
  const fresh = new Map((ids.length > 0 ? await read(ids) : []).map((row) => [row.id, row]))
  const whole = found.map((row, n) => row ?? fresh.get(idIn(marked[n] as string)))
  const rows = inPlace(known, whole, order) ?? whole.filter((row) => row !== undefined).sort(order)
  return { rows, marks, horizon, marked, found: whole }
}

/** Whether each row is there, and as it was marked: all are of one moment. */
export function isSettled<R extends Row>({ marked, found }: MarkedRows<R>): boolean {
  return marked.every((each, n) => found[n]?.marked === each)
}

/** What is remembered of each: mostly in the place where it was. Others are looked up; a table of all would cost more than the rest. */
function recalled<R>(known: MarkedRows<R> | undefined, marked: readonly string[]): (R | undefined)[] {
  if (!known) return marked.map(() => undefined)
  const moved = new Map(known.marked.flatMap((each, n) => (each === marked[n] ? [] : [[each, known.found[n]]])))
  return marked.map((each, n) => (each === known.marked[n] ? known.found[n] : moved.get(each)))
}

/** The rows in order, if each has only taken the place of itself; otherwise they are to be sorted. */
function inPlace<R extends Row>(
  known: MarkedRows<R> | undefined,
  found: readonly (R | undefined)[],
  order: (a: R, b: R) => number,
): R[] | undefined {
  if (known?.found.length !== found.length) return undefined
  const successors = new Map<R, R>()
  for (const [n, row] of found.entries()) {
    const old = known.found[n]
    if (row === old) continue
    if (!row || !old || row.id !== old.id || order(row, old) !== 0) return undefined
    successors.set(old, row)
  }
  return known.rows.map((row) => successors.get(row) ?? row)
}

const idIn = (marked: string) => marked.slice(0, marked.indexOf(" "))
