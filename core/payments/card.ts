/** Card numbers, as ISO/IEC 7812 has them. */

const DIGITS_MIN = 13
const DIGITS_MAX = 19
/** Blanks and dashes may stand between digits, as on the card. */
export const CARD_NUMBER = new RegExp(`^\\d(?:[ -]?\\d){${DIGITS_MIN - 1},${DIGITS_MAX - 1}}$`)

export function cardDigits(number: string): string {
  return number.replace(/[ -]/g, "")
}

/** The check digit, after Luhn: every second digit from the right counts twice, digits of products added. */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i])
    const counted = i % 2 === 1 ? 2 * digit : digit
    sum += counted > 9 ? counted - 9 : counted
  }
  return sum % 10 === 0
}

/** Issuer ranges: first and last prefix of equal length. Narrow ranges stand before the wide ones that contain them. */
const ISSUERS: readonly (readonly [from: number, to: number, brand: string])[] = [
  [34, 34, "amex"],
  [37, 37, "amex"],
  [300, 305, "diners"],
  [3095, 3095, "diners"],
  [36, 36, "diners"],
  [38, 39, "diners"],
  [3528, 3589, "jcb"],
  [2200, 2204, "mir"],
  [2221, 2720, "mastercard"],
  [51, 55, "mastercard"],
  [6011, 6011, "discover"],
  [644, 649, "discover"],
  [65, 65, "discover"],
  [62, 62, "unionpay"],
  [81, 82, "unionpay"],
  [4, 4, "visa"],
  [50, 50, "maestro"],
  [56, 58, "maestro"],
  [6, 6, "maestro"],
]

/** The brand that the issuer's prefix says; `other` for a range that is not listed. */
export function cardBrand(digits: string): string {
  const issuer = ISSUERS.find(([from, to]) => {
    const prefix = Number(digits.slice(0, String(from).length))
    return from <= prefix && prefix <= to
  })
  return issuer?.[2] ?? "other"
}

/** A card is good to the end of its month, in UTC. */
export function isExpired(expMonth: number, expYear: number, now: number): boolean {
  return Date.UTC(expYear, expMonth, 1) <= now
}

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
const MASKED = "[digits]"

/** Takes every run of digits that could be a card number out of a text, ids aside: what a caller sent is told back without it. */
export function maskCardNumbers(text: string): string {
  return text.replace(new RegExp(`${UUID}|\\d(?:(?:[ +-]|%20)*\\d){${DIGITS_MIN - 1},}`, "gi"), (found) =>
    /^[0-9a-f]{8}-/i.test(found) && found.length === 36 ? found : MASKED,
  )
}
