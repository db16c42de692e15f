import { parseArgs } from "node:util"
import { SetupError } from "../../services/say.ts"
import { CONTENDERS, type ContenderName, isContender } from "./contenders.ts"

export const DEFAULT_SIZES = [10_000, 100_000, 1_000_000]
/** A smaller world has too few places with twenty doctors. */
const SIZE_MIN = 5_000
const SIZE_MAX = 1_000_000
export const ROUNDS_DEFAULT = 5
const ROUNDS_MAX = 50
export const SECONDS_DEFAULT = 3
const SECONDS_MAX = 60

const USAGE = "use: bun run bench:search [--sizes 10000,100000] [--rounds 5] [--seconds 3] [--only ours,postgis] [--data FOLDER] [--write]"

export type Options = {
  /** How many doctors the worlds have. */
  sizes: number[]
  rounds: number
  /** How long each contender is loaded in each round. */
  seconds: number
  only: ContenderName[]
  /** Where worlds are kept; undefined: the usual place. */
  data: string | undefined
  /** Whether the README's figures and the chart are written anew. */
  write: boolean
}

/** Throws a {@link SetupError} that names what it does not take. What leaves something out writes nothing unless told to. */
export function readOptions(args: string[]): Options {
  const { values } = parse(args)
  const sizes = listOf(values.sizes).map((text) => whole("--sizes", text, SIZE_MIN, SIZE_MAX))
  const only = listOf(values.only).map((text) => {
    if (isContender(text)) return text
    throw new SetupError(`--only takes ${Object.keys(CONTENDERS).join(", ")}, not "${text}"; ${USAGE}`)
  })
  const seconds = values.seconds === undefined ? SECONDS_DEFAULT : whole("--seconds", values.seconds, 1, SECONDS_MAX)
  const rounds = values.rounds === undefined ? ROUNDS_DEFAULT : whole("--rounds", values.rounds, 1, ROUNDS_MAX)
  // A figure that is kept is a median, and fewer rounds have none worth the name.
  if (values.write && rounds < ROUNDS_DEFAULT)
    throw new SetupError(`--write takes --rounds ${ROUNDS_DEFAULT} or more, not ${rounds}; ${USAGE}`)
  return {
    sizes: sizes.length > 0 ? [...new Set(sizes)].sort((a, b) => a - b) : DEFAULT_SIZES,
    rounds,
    seconds,
    only: only.length > 0 ? [...new Set(only)] : (Object.keys(CONTENDERS) as ContenderName[]),
    data: values.data,
    write: values.write ?? (sizes.length === 0 && only.length === 0 && rounds >= ROUNDS_DEFAULT && seconds >= SECONDS_DEFAULT),
  }
}

function parse(args: string[]) {
  const text = { type: "string" } as const
  try {
    return parseArgs({ args, options: { sizes: text, rounds: text, seconds: text, only: text, data: text, write: { type: "boolean" } } })
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split(". ")[0]}; ${USAGE}`)
  }
}

const listOf = (text: string | undefined) => (text === undefined ? [] : text.split(",").map((part) => part.trim()))

function whole(option: string, text: string, min: number, max: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
  throw new SetupError(`${option} takes whole numbers from ${min} to ${max}, not "${text}"; ${USAGE}`)
}
