import { snapDegrees } from "../../core/fields.ts"

/** A number of so many digits is exact, and so is a power of ten up to it: the quotient of the two is the nearest double. */
const DIGITS_MAX = 15
const POWERS_OF_TEN = Array.from({ length: DIGITS_MAX + 1 }, (_, digits) => 10 ** digits)

const code = (character: string) => character.charCodeAt(0)
const [AMPERSAND, EQUALS, HASH] = [code("&"), code("="), code("#")]
const [PERCENT, PLUS, MINUS, POINT, ZERO] = [code("%"), code("+"), code("-"), code("."), code("0")]
/** NUL, and what has taken the place of something that was no UTF-8. */
const DUBIOUS = /[\0\ufffd]/
/** A unit of UTF-16 is at most three bytes of UTF-8, each three characters when escaped. */
const ESCAPED_MAX = 9
/** Printable ASCII, of which URLs consist. */
const [FIRST_PRINTABLE, LAST_PRINTABLE] = [code("!"), code("~")]

/** Reads a query string from left to right. Values end at an ampersand or at the end; what is not as expected reads as undefined. */
export class QueryReader {
  constructor(
    private readonly url: string,
    private at: number,
  ) {}

  /** The codes of the next two characters as one number. */
  firstTwo(): number {
    return (this.url.charCodeAt(this.at) << 8) | this.url.charCodeAt(this.at + 1)
  }

  /** Past `name=`, if that comes next. */
  skipName(name: string): boolean {
    const { url, at } = this
    for (let i = 0; i < name.length; i++) if (url.charCodeAt(at + i) !== name.charCodeAt(i)) return false
    this.at = at + name.length + 1
    return url.charCodeAt(this.at - 1) === EQUALS
  }

  skipAmpersand(): boolean {
    if (this.url.charCodeAt(this.at) !== AMPERSAND) return false
    this.at++
    return true
  }

  atEnd(): boolean {
    return this.at === this.url.length
  }

  /** From -max to max. */
  degrees(max: number): number | undefined {
    const negative = this.url.charCodeAt(this.at) === MINUS
    if (negative) this.at++
    const degrees = this.decimal()
    return degrees !== undefined && degrees <= max ? snapDegrees(negative ? -degrees : degrees) : undefined
  }

  /** Digits, with more of them behind a point if there is one. */
  decimal(): number | undefined {
    const { url } = this
    let i = this.at
    let number = 0
    let digits = 0
    let pointAt = -1
    for (; i < url.length; i++) {
      const character = url.charCodeAt(i)
      const digit = character - ZERO
      if (digit >= 0 && digit <= 9) {
        number = number * 10 + digit
        digits++
      } else if (character === POINT && pointAt < 0 && digits > 0) pointAt = i
      else break
    }
    this.at = i
    if (digits === 0 || digits > DIGITS_MAX || pointAt === i - 1) return undefined
    return pointAt < 0 ? number : number / (POWERS_OF_TEN[i - 1 - pointAt] as number)
  }

  /** At most so many characters, escapes decoded as forms have them, and nothing that should have been escaped. */
  text(maxChars: number): string | undefined {
    const { url, at } = this
    let i = at
    let escaped = false
    for (; i < url.length; i++) {
      const character = url.charCodeAt(i)
      if (character === AMPERSAND) break
      if (character < FIRST_PRINTABLE || character > LAST_PRINTABLE || character === HASH) return undefined
      if (character === PERCENT || character === PLUS) escaped = true
      if (i - at > (escaped ? ESCAPED_MAX : 1) * maxChars) return undefined
    }
    this.at = i
    const text = escaped ? decoded(url.slice(at, i)) : url.slice(at, i)
    return text === undefined || text.length > maxChars ? undefined : text
  }
}

function decoded(text: string): string | undefined {
  try {
    const plain = decodeURIComponent(text.replaceAll("+", " "))
    return DUBIOUS.test(plain) ? undefined : plain
  } catch {
    return undefined
  }
}
