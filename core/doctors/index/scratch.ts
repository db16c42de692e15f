import { giveBack, unzeroedWords } from "./memory.ts"

/** Memory of the moment while an index is built: counted, since it is bounded with the rest, and given back at once. */
export class Scratch {
  /** Taken and not given back. */
  readonly #taken = new Set<Int32Array<ArrayBuffer>>()
  bytes = 0

  /** Holds anything until it is written to. */
  take(words: number): Int32Array<ArrayBuffer> {
    const column = unzeroedWords(words)
    this.bytes += column.byteLength
    this.#taken.add(column)
    return column
  }

  /** Of what was taken here. */
  give(...columns: Int32Array<ArrayBuffer>[]): void {
    for (const column of columns) {
      this.bytes -= column.byteLength
      this.#taken.delete(column)
      giveBack(column)
    }
  }

  /** Gives all of it back, a column in each step. */
  *release(): Generator<void, void> {
    for (const column of this.#taken) {
      this.give(column)
      yield
    }
  }
}
