import { caseKey } from "../../text.ts"

/** Spellings whose key is remembered: of a busy table, all; of texts that someone makes up, not more than this. */
const SPELLINGS_MAX = 10_000

const keys = new Map<string, string>()

/** {@link caseKey}, remembered. */
export function keyOf(text: string): string {
  const known = keys.get(text)
  if (known !== undefined) return known
  if (keys.size >= SPELLINGS_MAX) keys.clear()
  const key = caseKey(text)
  keys.set(text, key)
  return key
}

/** Small numbers for texts that are equal without regard to case. A text that nobody uses any more gives its number back. */
export class Dictionary {
  readonly #numbers = new Map<string, number>()
  readonly #keys: string[] = []
  readonly #uses: number[] = []
  readonly #free: number[] = []

  /** The number, if anyone uses the text. */
  find(text: string): number | undefined {
    return this.#numbers.get(keyOf(text))
  }

  /** One use more. */
  take(text: string): number {
    const key = keyOf(text)
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#free.pop() ?? this.#keys.length
      this.#numbers.set(key, number)
      this.#keys[number] = key
      this.#uses[number] = 0
    }
    this.#uses[number] = (this.#uses[number] as number) + 1
    return number
  }

  /** One use less. True if it was the last. */
  give(number: number): boolean {
    const uses = (this.#uses[number] as number) - 1
    this.#uses[number] = uses
    if (uses > 0) return false
    this.#numbers.delete(this.#keys[number] as string)
    this.#keys[number] = ""
    this.#free.push(number)
    return true
  }

  get size(): number {
    return this.#numbers.size
  }
}
