/** Holds every answer that a test meets against the API's own description. */
import Ajv, { type ValidateFunction } from "ajv/dist/2020.js"
import addFormats from "ajv-formats"
import type { OpenApi } from "../../api/description/openapi.ts"

type Answered = { status: number; contentType: string | null; body: unknown }

/** Of servers by origin; null: one that describes nothing, as realtime and worker. */
const descriptions = new Map<string, Promise<Description | null>>()

/** Throws if the server's description does not say that this call may be answered so. */
export async function requireDescribed(method: string, url: string, answered: Answered): Promise<void> {
  const { origin, pathname } = new URL(url)
  if (method === "OPTIONS") return
  const fault = (await descriptionOf(origin))?.faultOf(method === "HEAD" ? "GET" : method, pathname, answered)
  if (fault) throw new Error(`${method} ${pathname} answered ${answered.status}, which its description does not say: ${fault}`)
}

/** Null also where the server cannot say just now, as one that still starts: it is asked again at the next call. */
async function descriptionOf(origin: string): Promise<Description | null> {
  const reading = descriptions.get(origin) ?? readDescription(origin)
  descriptions.set(origin, reading)
  return await reading.catch(() => {
    if (descriptions.get(origin) === reading) descriptions.delete(origin)
    return null
  })
}

/** Throws when the server says neither what it answers nor that it describes nothing. */
async function readDescription(origin: string): Promise<Description | null> {
  const response = await fetch(`${origin}/openapi.json`)
  if (response.status === 404) return null
  if (!response.ok) throw new Error(`no description: ${response.status}`)
  return new Description((await response.json()) as OpenApi)
}

const NAME = "api"

/** A path has no route, or not for this method; neither is any operation's. */
const NO_OPERATION = new Set([404, 405])

export class Description {
  readonly #ajv = addFormats(new Ajv({ strict: false, validateSchema: false, allErrors: true }))
  readonly #checks = new Map<string, ValidateFunction>()
  readonly #templates: { template: string; pattern: RegExp }[]

  constructor(readonly document: OpenApi) {
    this.#ajv.addSchema(document, NAME)
    this.#templates = Object.keys(document.paths)
      // Words before parameters, as the router has it.
      .sort((a, b) => a.split("{").length - b.split("{").length)
      .map((template) => ({ template, pattern: new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`) }))
  }

  /** What is wrong with the answer, or undefined. */
  faultOf(method: string, path: string, { status, contentType, body }: Answered): string | undefined {
    const operationOf = (known: { template: string }) => this.document.paths[known.template]?.[method.toLowerCase()]
    const found = this.#templates.find((known) => known.pattern.test(path) && operationOf(known))
    const operation = found && operationOf(found)
    if (!operation || status === 405)
      return NO_OPERATION.has(status) ? this.breachOf(["components", "schemas", "Problem"], body) : "there is no such operation"
    const responses = operation.responses as Record<string, { $ref?: string }>
    const response = responses[status]
    if (!response) return `it may answer ${Object.keys(responses).join(", ")}`
    const place = response.$ref?.split("/").slice(1) ?? ["paths", found.template, method.toLowerCase(), "responses", String(status)]
    const content = (this.#at(place) as { content?: Record<string, unknown> }).content
    if (!content) return body === undefined ? undefined : "it may have no body"
    const type = contentType?.split(";")[0] ?? ""
    if ("*/*" in content || (type in content && !type.endsWith("json"))) return undefined
    if (!(type in content)) return `it may be ${Object.keys(content).join(" or ")}, not ${type}`
    return this.breachOf([...place, "content", type, "schema"], body)
  }

  /** How the value breaks the schema at this place of the document, or undefined. */
  breachOf(place: string[], value: unknown): string | undefined {
    const pointer = place.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")
    const check = this.#checks.get(pointer) ?? this.#ajv.compile({ $ref: `${NAME}#/${encodeURI(pointer)}` })
    this.#checks.set(pointer, check)
    return check(value) ? undefined : `${this.#ajv.errorsText(check.errors)}: ${JSON.stringify(value)}`
  }

  #at(place: string[]): unknown {
    return place.reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], this.document)
  }
}
