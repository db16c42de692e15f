/**
 * Memory that may hold anything until it is written to. Large arrays that an index fills by and by are made of it: where memory was used
 * before, as by the index that a new one replaces, `new Int32Array` writes zeros over all of it at once.
 */
export function unzeroedBytes(bytes: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer
}

export function unzeroedWords(words: number): Int32Array<ArrayBuffer> {
  return new Int32Array(unzeroedBytes(words * Int32Array.BYTES_PER_ELEMENT))
}

/** At once; the collector would come to it some seconds later, and to all of it in one go. The array is empty then. */
export function giveBack({ buffer }: Int32Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
