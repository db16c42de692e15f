/**
 * Card numbers that somebody types where they do not belong. What is refused must be a card and nothing else: hence a number that a network
 * gives out, written at a stretch or in the groups that cards have. One number in fifty of 16 digits is taken for a card by chance; phone
 * numbers, with at most 15 digits, are not, and neither are the obsolete cards of 13 digits, which nobody could tell from them.
 */
import { isIssuedNumber } from "./card-number.ts"

const DIGITS_MIN = 14
const DIGITS_MAX = 19
/** An international number is written with a plus, and has no more (ITU-T E.164). */
const PHONE_DIGITS_MAX = 15

/** Between two groups: blanks, dashes, dots, and characters that nobody sees. */
const BETWEEN = "[\\s\\p{Pd}\\u200b-\\u200d\\u2060._]{1,3}"
const RUN = new RegExp(`(\\+)?\\d+(?:${BETWEEN}\\d+)*`, "gu")
const SEPARATOR = new RegExp(BETWEEN, "u")
/** How cards show their numbers: in fours, American Express and Diners Club in their own way, Maestro with a short group at the end. */
const GROUPINGS = new Set(["4,4,4,4", "4,6,5", "4,6,4", "4,4,4,4,1", "4,4,4,4,2", "4,4,4,4,3", "4,4,4,3", "4,4,4,2", "6,13", "8,8"])
const GROUPS_MAX = 5

/** Arabic and Persian digits stand in blocks that begin at a multiple of 16. */
const plainDigits = (text: string) =>
  text.normalize("NFKC").replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 15))

/** Whether the number of a payment card stands in the text. */
export function containsCardNumber(text: string): boolean {
  if (text.length < DIGITS_MIN) return false
  for (const [run, plus] of plainDigits(text).matchAll(RUN)) {
    const groups = run.replace("+", "").split(SEPARATOR)
    if (plus && groups.join("").length <= PHONE_DIGITS_MAX) continue
    if (groups.some((_, first) => beginsCard(groups.slice(first, first + GROUPS_MAX)))) return true
  }
  return false
}

function beginsCard(groups: string[]): boolean {
  return groups.some((_, last) => {
    const some = groups.slice(0, last + 1)
    const digits = some.join("")
    if (digits.length < DIGITS_MIN || digits.length > DIGITS_MAX) return false
    return (some.length === 1 || GROUPINGS.has(some.map((group) => group.length).join())) && isIssuedNumber(digits)
  })
}
