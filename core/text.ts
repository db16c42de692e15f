/** How texts are compared. Stored beside the original, so that SQL and code can never disagree. */
import removeAccents from "remove-accents"

/** For equality without regard to case: cities and specializations. */
export function caseKey(text: string): string {
  return text.normalize("NFC").trim().toUpperCase().toLowerCase().normalize("NFC")
}

/** For substrings without regard to case and accents: names. Marks are dropped after decomposition, then letters such as ø and ł. */
export function fold(text: string): string {
  const bare = text.normalize("NFKD").replace(/\p{M}/gu, "")
  return removeAccents(bare).toUpperCase().toLowerCase().replace(/\p{M}/gu, "").replaceAll("ς", "σ")
}

/** A LIKE pattern that finds `part` anywhere, with `%`, `_` and `\` as ordinary characters. */
export function containsPattern(part: string): string {
  return `%${part.replace(/[\\%_]/g, "\\$&")}%`
}
