/** Memory of the moment while an index is built: counted, since it is bounded with the rest, and given back at once. */
export class Scratch {
  /** Taken and not given back. */
  bytes = 0

  take(words: number): Int32Array<ArrayBuffer> {
    const column = new Int32Array(words)
    this.bytes += column.byteLength
    return column
  }

  /** Of what was taken here. The collector would come to it some seconds later. */
  give(...columns: Int32Array<ArrayBuffer>[]): void {
    for (const column of columns) {
      this.bytes -= column.byteLength
      column.buffer.transfer(0)
    }
  }
}
