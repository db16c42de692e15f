import { expect, test } from "bun:test"
import fc from "fast-check"
import { CHANGED_MAX, isSettled, type MarkedRows, refreshed } from "./marked-rows.ts"

type Row = { id: string; patientId: string; marked: string; time: number; name: string }

/** What a database would hold: rows with a version each, and the names of patients, which are in no version. */
class World {
  readonly rows = new Map<string, { patientId: string; version: number; time: number }>()
  readonly names = new Map<string, number>()
  renamed: string[] = []
  #made = 0

  add(patientId: string, time: number): void {
    this.rows.set(`row-${this.#made++}`, { patientId, version: 1, time })
  }

  rename(patientId: string): void {
    this.names.set(patientId, (this.names.get(patientId) ?? 0) + 1)
    this.renamed.push(patientId)
  }

  row(id: string): Row | undefined {
    const row = this.rows.get(id)
    return row && { id, patientId: row.patientId, marked: `${id} ${row.version}`, time: row.time, name: this.#nameOf(row.patientId) }
  }

  inOrder(): Row[] {
    return [...this.rows.keys()].map((id) => this.row(id) as Row).sort(order)
  }

  #nameOf(patientId: string): string {
    return `${patientId} the ${this.names.get(patientId) ?? 0}th`
  }
}

const order = (a: Row, b: Row) => a.time - b.time || (a.id < b.id ? -1 : 1)

const action = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), patient: fc.nat(5), time: fc.nat(20) }),
  fc.record({ kind: fc.constantFrom("remove" as const, "touch" as const), which: fc.nat() }),
  fc.record({ kind: fc.constant("move" as const), which: fc.nat(), time: fc.nat(20) }),
  fc.record({ kind: fc.constant("rename" as const), patient: fc.nat(5) }),
)
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

function act(world: World, a: Action): void {
  if (a.kind === "add") world.add(`patient-${a.patient}`, a.time)
  else if (a.kind === "rename") world.rename(`patient-${a.patient}`)
  else actOnOne(world, a)
}

function actOnOne(world: World, a: Extract<Action, { which: number }>): void {
  const id = [...world.rows.keys()][a.which % Math.max(world.rows.size, 1)]
  const row = id === undefined ? undefined : world.rows.get(id)
  if (id === undefined || !row) return
  if (a.kind === "remove") world.rows.delete(id)
  else world.rows.set(id, { ...row, version: row.version + 1, time: a.kind === "move" ? a.time : row.time })
}

/** Readings, before each of which some things happen; the marks come in whatever order. */
const history = fc.array(fc.record({ actions: fc.array(action, { maxLength: 4 }), turned: fc.boolean(), many: fc.boolean() }), {
  maxLength: 25,
})

test("whatever happens between readings, what is remembered is what there is, in order, and only what changed is read", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (readings) => {
      const world = new World()
      for (let n = 0; n < 8; n++) world.add(`patient-${n % 5}`, (n * 7) % 20)
      let known: MarkedRows<Row> | undefined
      for (const { actions, turned, many } of readings) {
        const before = new Map(known?.rows.map((row) => [row.id, JSON.stringify(row)]))
        for (const a of actions) act(world, a)
        const ids = turned ? [...world.rows.keys()].toReversed() : [...world.rows.keys()]
        const changed = many ? Array.from({ length: CHANGED_MAX }, (_, n) => `somebody-${n}`) : world.renamed
        const read: string[] = []
        const state = { marks: ids.map((id) => world.row(id)?.marked).join(","), horizon: "1", changed }
        const rowsOf = async (asked: string[]) => {
          read.push(...asked)
          return asked.map((id) => world.row(id) as Row)
        }
        const previous = known
        known = await refreshed(known, state, rowsOf, order)
        const now = world.inOrder()
        expect(known.rows).toEqual(now)
        expect(isSettled(known)).toBe(true)
        const stale = now.filter((row) => many || before.get(row.id) !== JSON.stringify(row)).map((row) => row.id)
        expect(read.filter((id) => !stale.includes(id) && !world.renamed.includes(world.row(id)?.patientId ?? ""))).toEqual([])
        if (previous && read.length === 0 && previous.marks === known.marks) expect(known.rows).toBe(previous.rows)
        world.renamed = []
      }
    }),
    { numRuns: 300 },
  )
})

test("a row that changes or goes between its mark and its reading leaves the answer unsettled, until it is read again", async () => {
  const world = new World()
  for (let n = 0; n < 3; n++) world.add("patient-0", n)
  const marks = () => [...world.rows.keys()].map((id) => world.row(id)?.marked).join(",")
  const readAfter = (happens: () => unknown) => async (ids: string[]) => {
    happens()
    return ids.flatMap((id) => world.row(id) ?? [])
  }
  const state = () => ({ marks: marks(), horizon: "1", changed: [] })
  const touched = await refreshed(
    undefined,
    state(),
    readAfter(() => act(world, { kind: "touch", which: 1 })),
    order,
  )
  expect([isSettled(touched), touched.rows]).toEqual([false, world.inOrder()])
  act(world, { kind: "touch", which: 0 })
  const gone = await refreshed(
    touched,
    state(),
    readAfter(() => act(world, { kind: "remove", which: 0 })),
    order,
  )
  expect([isSettled(gone), gone.rows]).toEqual([false, world.inOrder()])
  const settled = await refreshed(
    gone,
    state(),
    readAfter(() => {}),
    order,
  )
  expect([isSettled(settled), settled.rows]).toEqual([true, world.inOrder()])
})
