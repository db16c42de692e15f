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

type Issuer = readonly [from: number, to: number, brand: string, digitsMin: number, digitsMax: number]

/**
 * Issuer ranges: first and last prefix of equal length, and how many digits their cards have today. Narrow ranges stand before the wide
 * ones that contain them.
 */
const ISSUERS: readonly Issuer[] = [
  [34, 34, "amex", 15, 15],
  [37, 37, "amex", 15, 15],
  [300, 305, "diners", 14, 19],
  [3095, 3095, "diners", 14, 19],
  [36, 36, "diners", 14, 19],
  [38, 39, "diners", 14, 19],
  [3528, 3589, "jcb", 16, 19],
  [2200, 2204, "mir", 16, 19],
  [2221, 2720, "mastercard", 16, 16],
  [51, 55, "mastercard", 16, 16],
  [6011, 6011, "discover", 16, 19],
  [644, 649, "discover", 16, 19],
  [65, 65, "discover", 16, 19],
  [62, 62, "unionpay", 16, 19],
  [81, 82, "unionpay", 16, 19],
  [4, 4, "visa", 16, 19],
  [50, 50, "maestro", 16, 19],
  [56, 58, "maestro", 16, 19],
  [6, 6, "maestro", 16, 19],
]

function issuerOf(digits: string): Issuer | undefined {
  return ISSUERS.find(([from, to]) => {
    const prefix = Number(digits.slice(0, String(from).length))
    return from <= prefix && prefix <= to
  })
}

/** The brand that the issuer's prefix says; `other` for a range that is not listed. */
export function cardBrand(digits: string): string {
  return issuerOf(digits)?.[2] ?? "other"
}

/** Whether a network gives out such numbers today: its prefix, as many digits as its cards have, and the check digit. */
export function isIssuedNumber(digits: string): boolean {
  const issuer = issuerOf(digits)
  if (!issuer) return false
  const [, , , digitsMin, digitsMax] = issuer
  return digits.length >= digitsMin && digits.length <= digitsMax && passesLuhn(digits)
}

/** A card is good to the end of its month, in UTC. */
export function isExpired(expMonth: number, expYear: number, now: number): boolean {
  return Date.UTC(expYear, expMonth, 1) <= now
}

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
const ID_OR_CARD = new RegExp(`${UUID}|\\d(?:(?:[ +-]|%20)*\\d){${DIGITS_MIN - 1},}`, "gi")
const MASKED = "[digits]"

/** Takes every run of digits that could be a card number out of a text, ids aside: what a caller sent is told back without it. */
export function maskCardNumbers(text: string): string {
  return text.replace(ID_OR_CARD, (found) => (/^[0-9a-f]{8}-/i.test(found) && found.length === 36 ? found : MASKED))
}
