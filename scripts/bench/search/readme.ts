/** The README's figures are what the command printed last. */
import { SetupError } from "../../services/say.ts"

const BEGIN = "<!-- bench:search: written by `bun run bench:search` -->"
const END = "<!-- /bench:search -->"

/** The text with everything between the marks replaced. */
export function withFigures(readme: string, figures: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (begin < 0 || end < begin) throw new SetupError(`the README has no ${BEGIN} … ${END}`)
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${figures.trim()}\n\n${readme.slice(end)}`
}
