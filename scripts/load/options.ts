import { parseArgs } from "node:util"
import { SetupError } from "../services/say.ts"

const DEFAULTS = { url: "http://127.0.0.1:3000", rate: "200", seconds: "30" }
/** What one process can send on time. */
const RATE_MAX = 20_000
const SECONDS_MAX = 3_600
const USAGE = "use: bun run load [--url http://127.0.0.1:3000] [--rate 200] [--seconds 30] [--token T]… [--allow-remote]"

export type LoadOptions = {
  /** The origin, without a slash at its end. */
  url: string
  perSecond: number
  seconds: number
  /** Each is another caller, to the deployment's limits too; none: development's are minted. */
  tokens: string[]
}

/** Throws a {@link SetupError} that names what it does not take. Tokens may also stand in LOAD_TOKEN, separated by commas. */
export function readOptions(args: string[], environment: Record<string, string | undefined>): LoadOptions {
  const values = parse(args)
  const url = origin(values.url)
  const given = values.token ?? environment.LOAD_TOKEN?.split(",").filter(Boolean) ?? []
  if (!isLoopback(url) && !values["allow-remote"])
    throw new SetupError(`--url ${url.origin} is another machine: add --allow-remote if it is yours to load; ${USAGE}`)
  if (!isLoopback(url) && given.length === 0)
    throw new SetupError(`--token (or LOAD_TOKEN) is required for ${url.origin}: development's tokens are for this machine; ${USAGE}`)
  return {
    url: url.origin,
    perSecond: whole("--rate", values.rate, RATE_MAX),
    seconds: whole("--seconds", values.seconds, SECONDS_MAX),
    tokens: given,
  }
}

function parse(args: string[]) {
  const text = (fallback: string) => ({ type: "string", default: fallback }) as const
  try {
    return parseArgs({
      args,
      options: {
        url: text(DEFAULTS.url),
        rate: text(DEFAULTS.rate),
        seconds: text(DEFAULTS.seconds),
        token: { type: "string", multiple: true },
        "allow-remote": { type: "boolean", default: false },
      },
    }).values
  } catch (error) {
    throw new SetupError(`${(error as Error).message.split(". ")[0]}; ${USAGE}`)
  }
}

function origin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !["http:", "https:"].includes(url.protocol) || url.pathname !== "/" || url.search !== "" || url.username !== "")
    throw new SetupError(`--url takes an origin such as ${DEFAULTS.url}, not "${text}"; ${USAGE}`)
  return url
}

/** 127.0.0.0/8 and ::1 (RFC 1122, RFC 4291), and the name that RFC 6761 gives them. */
function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

function whole(option: string, text: string, max: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text)
  throw new SetupError(`${option} takes a whole number from 1 to ${max}, not "${text}"; ${USAGE}`)
}
