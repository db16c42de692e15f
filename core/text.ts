/** How texts are compared. Stored beside the original, so that SQL and code can never disagree. */
import removeAccents from "remove-accents"

/** Lower case by way of both cases, so that all spellings of a letter meet: ẞ and ß and ss, ς and σ, ı and i. */
function lowered(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase()
}

/** The dot that is left of İ in lower case, whatever marks stand between. */
const DOT_OVER_I = /(?<=i\p{M}*)\u0307/gu

/**
 * For equality without regard to case: cities and specializations. The Turkish İ is an i, as ı is: which of the two pairs
 * a text means, only its language would tell.
 */
export function caseKey(text: string): string {
  return lowered(text.normalize("NFC").trim()).normalize("NFD").replace(DOT_OVER_I, "").normalize("NFC")
}

/**
 * Marks over and under letters, as accents are. Not those that are letters of their own script, such as Devanagari's or Thai's
 * vowels: without them most of a name would be gone.
 */
const ACCENTS = /[\p{M}&&[\p{Script=Inherited}\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}]]/gv

/** For substrings without regard to case and accents: names. Accents are dropped after decomposition, then letters such as ø and ł. */
export function fold(text: string): string {
  const bare = text.normalize("NFKD").replace(ACCENTS, "")
  return lowered(removeAccents(lowered(bare)))
    .normalize("NFKD")
    .replace(ACCENTS, "")
    .replaceAll("ς", "σ")
}

/** A LIKE pattern that finds `part` anywhere, with `%`, `_` and `\` as ordinary characters. */
export function containsPattern(part: string): string {
  return `%${part.replace(/[\\%_]/g, "\\$&")}%`
}
