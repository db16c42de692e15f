/** The trees: one of all doctors, and one for each specialization. */
import { buildInSteps } from "./build.ts"
import { PlaceKeys } from "./keyed-slots.ts"
import { Nodes } from "./nodes.ts"
import { LATITUDE, LONGITUDE, SPECIALIZATION } from "./record-layout.ts"
import type { Records } from "./records.ts"
import { LoadedKeys } from "./sorting.ts"
import { Tree } from "./tree.ts"

const NONE = -1

export class Forest {
  readonly nodes: Nodes
  readonly #records: Records
  readonly #tree: Tree
  readonly #places = new PlaceKeys()
  readonly everyone: number
  /** By specialization's number. */
  readonly #roots: number[] = []
  #loaded: LoadedKeys | undefined

  constructor(records: Records, expected: number) {
    this.nodes = new Nodes(records, expected)
    this.#records = records
    this.#tree = new Tree(this.nodes, records)
    this.everyone = this.#tree.plant()
    this.#loaded = new LoadedKeys()
  }

  get bytes(): number {
    return this.nodes.bytes + (this.#loaded?.bytes ?? 0)
  }

  /** The root of a specialization's tree, −1 if there is none. */
  rootOf(specialization: number): number {
    return this.#roots[specialization] ?? NONE
  }

  /** Notes a doctor that `build` will put into the trees. Slots come as 0, 1, 2, … */
  load(latitude: number, longitude: number, specialization: number): void {
    this.#loaded?.push(this.#places.of(latitude, longitude), specialization)
  }

  *build(): Generator<void, void> {
    if (!this.#loaded) throw new Error("the trees are built already")
    yield* this.#build(this.#loaded)
    this.#loaded = undefined
  }

  *#build(loaded: LoadedKeys): Generator<void, void> {
    const keyed = yield* loaded.sorted()
    const length = keyed.slots.length
    if (length === 0) return
    this.#tree.clear(this.everyone)
    yield* buildInSteps(this.nodes, this.everyone, keyed, 0, length)
    const bySpecialization = yield* loaded.grouped(keyed)
    for (let group = 0; group + 1 < bySpecialization.starts.length; group++) {
      const root = this.#plant(group)
      this.#tree.clear(root)
      const [from, to] = [bySpecialization.starts[group] as number, bySpecialization.starts[group + 1] as number]
      yield* buildInSteps(this.nodes, root, bySpecialization.keyed, from, to)
    }
    loaded.give(bySpecialization.keyed)
  }

  /** Gives their memory back in steps, also that of a building that did not come to its end. */
  *release(): Generator<void, void> {
    yield* this.nodes.release()
    if (this.#loaded) yield* this.#loaded.release()
  }

  insert(slot: number): void {
    const key = this.#keyOf(slot)
    const specialization = this.#records.word(slot, SPECIALIZATION)
    this.#tree.insert(this.everyone, slot, key)
    this.#tree.insert(this.#rootFor(specialization), slot, key)
  }

  /** While the record is still that with which the doctor was inserted. */
  remove(slot: number): void {
    const key = this.#keyOf(slot)
    const specialization = this.#records.word(slot, SPECIALIZATION)
    const root = this.#roots[specialization] as number
    this.#tree.remove(this.everyone, slot, key)
    this.#tree.remove(root, slot, key)
    if (!this.#tree.isEmpty(root)) return
    this.#tree.fell(root)
    this.#roots[specialization] = NONE
  }

  setFee(slot: number, fee: number): void {
    const key = this.#keyOf(slot)
    this.#tree.setFee(this.everyone, slot, key, fee)
    this.#tree.setFee(this.#roots[this.#records.word(slot, SPECIALIZATION)] as number, slot, key, fee)
  }

  #rootFor(specialization: number): number {
    const root = this.rootOf(specialization)
    return root === NONE ? this.#plant(specialization) : root
  }

  #plant(specialization: number): number {
    const root = this.#tree.plant()
    while (this.#roots.length <= specialization) this.#roots.push(NONE)
    this.#roots[specialization] = root
    return root
  }

  #keyOf(slot: number) {
    return this.#places.of(this.#records.real(slot, LATITUDE), this.#records.real(slot, LONGITUDE))
  }
}
