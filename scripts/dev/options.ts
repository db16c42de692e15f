import { parseArgs } from "node:util"
import { SetupError } from "../services/say.ts"

export const DEFAULT_DOCTORS = 2_000
const MAX_DOCTORS = 1_000_000
const USAGE = "use: dev [--doctors N] [--empty]"

/** How many demo doctors an empty database gets. Throws a {@link SetupError} for anything it does not know. */
export function readOptions(args: string[]): { doctors: number } {
  const { values } = parse(args)
  if (values.empty && values.doctors !== undefined) throw new SetupError(`--empty and --doctors exclude each other; ${USAGE}`)
  if (values.empty) return { doctors: 0 }
  if (values.doctors === undefined) return { doctors: DEFAULT_DOCTORS }
  const doctors = Number(values.doctors)
  if (!/^\d+$/.test(values.doctors) || doctors < 1 || doctors > MAX_DOCTORS)
    throw new SetupError(`--doctors takes a whole number from 1 to ${MAX_DOCTORS}, not "${values.doctors}"; ${USAGE}`)
  return { doctors }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: { doctors: { type: "string" }, empty: { type: "boolean" } } })
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split(". ")[0]}; ${USAGE}`)
  }
}
