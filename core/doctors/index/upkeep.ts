/** What keeps an index that changes all day as small and as fast as a new one: in steps, each of bounded work. */
import { addressOf, CHUNK_UNITS } from "./arena.ts"
import { fitBall, fitBallToChildren } from "./balls.ts"
import { FIT_MAX } from "./build.ts"
import { ByPlace } from "./by-place.ts"
import { COUNT, LEAF, LOOSE, NODE_WORDS, type Nodes, SHAPE } from "./nodes.ts"
import { CAPACITY_SHIFT, SHAPE as RECORD_SHAPE, SLOT } from "./record-layout.ts"
import type { Records } from "./records.ts"

/** Doctors whose places a step of tightening may look at, and nodes it may pass: a tenth of a millisecond. */
const TIGHTEN_DOCTORS = 2_048
const TIGHTEN_NODES = 4_096
/** Tightening begins when the balls of so many nodes per doctor may be loose, and a hundred at least. */
const LOOSE_SHARE = 1 / 64
const LOOSE_MIN = 100
/** Blocks that a step takes out of a chunk: a tenth of a millisecond. */
const EMPTY_BLOCKS = 64
/** Bytes are moved together when so many for each in use are wasted, and two chunks' worth at least. */
const WASTE_SHARE = 1 / 12
const WASTE_MIN_BYTES = 2 << 20
/** A chunk as full as this is left alone: the waste is elsewhere, in chunks that are being filled. */
const FULL_SHARE = 0.97
/** Blocks are laid by place anew when so many of all were written elsewhere. */
const STRAY_SHARE = 1 / 16
const STRAY_MIN = 1_000

export class Upkeep {
  readonly #records: Records
  readonly #nodes: Nodes
  readonly #byPlace: ByPlace
  /** The next node to tighten; none while nothing needs it. */
  #next: number | undefined
  #isLaying = false
  /** The chunk that is being emptied, and up to where it is. Its words say whether it still is that chunk. */
  #emptying: { chunk: number; words: Int32Array; unit: number } | undefined

  constructor(records: Records, nodes: Nodes, everyone: number) {
    this.#records = records
    this.#nodes = nodes
    this.#byPlace = new ByPlace(records, nodes, everyone)
  }

  /** Does a little of what is most needed. False if there is nothing to do. */
  step(): boolean {
    if (this.#emptying || (this.#isWasteful() && this.#chooseChunk())) {
      this.#emptyChunk()
      return true
    }
    if (this.#next === undefined && this.#nodes.loosened > this.#records.size * LOOSE_SHARE + LOOSE_MIN)
      this.#next = this.#startTightening()
    if (this.#next !== undefined) {
      this.#next = this.#tighten(this.#next)
      return true
    }
    return this.#layByPlace()
  }

  #startTightening(): number {
    this.#nodes.loosened = 0
    return 0
  }

  /** Nodes lie in no order, so a parent may be fitted to children that are still loose: the next round finds it. */
  #tighten(from: number): number | undefined {
    const { words } = this.#nodes
    const last = Math.min(this.#nodes.top, from + TIGHTEN_NODES)
    let doctors = 0
    for (let node = from; node < last; node++) {
      const count = words[node * NODE_WORDS + COUNT] as number
      const shape = words[node * NODE_WORDS + SHAPE] as number
      if (count === 0 || (shape & LOOSE) === 0) continue
      this.#nodes.set(node, SHAPE, shape & ~LOOSE)
      if ((shape & LEAF) !== 0 || count <= FIT_MAX) fitBall(this.#nodes, node)
      else fitBallToChildren(this.#nodes, node)
      doctors += Math.min(count, FIT_MAX)
      if (doctors >= TIGHTEN_DOCTORS) return node + 1
    }
    return last < this.#nodes.top ? last : undefined
  }

  #isWasteful(): boolean {
    const { liveBytes, chunkBytes } = this.#records.arena
    return chunkBytes - liveBytes > liveBytes * WASTE_SHARE + WASTE_MIN_BYTES
  }

  /** The emptiest chunk, if emptying it gains enough. */
  #chooseChunk(): boolean {
    const { arena, appends } = this.#records
    let emptiest = -1
    for (let chunk = 0; chunk < arena.live.length; chunk++) {
      if (arena.filled[chunk] === 0 || appends.some((append) => append.chunk === chunk)) continue
      if (emptiest < 0 || (arena.live[chunk] as number) < (arena.live[emptiest] as number)) emptiest = chunk
    }
    if (emptiest < 0 || (arena.live[emptiest] as number) > CHUNK_UNITS * FULL_SHARE) return false
    this.#emptying = { chunk: emptiest, words: arena.words[emptiest] as Int32Array, unit: 0 }
    return true
  }

  /** Moves some blocks elsewhere. The last one frees the chunk, as the last doctor who leaves it between two steps does. */
  #emptyChunk(): void {
    const { arena, address, appends } = this.#records
    const { chunk, words, unit: from } = this.#emptying as { chunk: number; words: Int32Array; unit: number }
    this.#emptying = undefined
    let [unit, passed] = [from, 0]
    for (; passed < EMPTY_BLOCKS && arena.words[chunk] === words && unit < (arena.filled[chunk] as number); passed++) {
      const slot = words[2 * unit + SLOT] as number
      const capacity = (words[2 * unit + RECORD_SHAPE] as number) >>> CAPACITY_SHIFT
      if (slot >= 0 && address[slot] === addressOf(chunk, unit)) this.#records.move(slot, appends[2])
      unit += capacity
    }
    if (passed === EMPTY_BLOCKS) this.#emptying = { chunk, words, unit }
  }

  #layByPlace(): boolean {
    if (!this.#isLaying) {
      if (this.#records.strays <= this.#records.size * STRAY_SHARE + STRAY_MIN) return false
      this.#records.strays = 0
      this.#isLaying = true
      this.#byPlace.start()
    }
    this.#isLaying = this.#byPlace.step()
    return true
  }
}
