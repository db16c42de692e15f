/** Values made from the description's JSON Schemas: such as they allow, and such as they do not. */
import fc from "fast-check"
import type { OpenApi } from "../../api/description/openapi.ts"

type Schema = {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema | boolean
  propertyNames?: Schema
  items?: Schema | boolean
  prefixItems?: Schema[]
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  examples?: unknown[]
}

/** What ids are of, as fields and paths call it. */
export const KINDS_OF_IDS = ["doctor", "patient", "clinic", "appointment", "payment", "receptionist"] as const
export type KindOfId = (typeof KINDS_OF_IDS)[number]
/** What there is to be named: ids of one's own, of others and of nobody, and times that can be booked. It may grow meanwhile. */
export type Known = { ids: Record<KindOfId, string[]>; times: string[] }

/** Longest list and longest text that are generated from a schema; the bounds themselves are among the odd values. */
const LIST_MAX = 4
const TEXT_MAX = 40
const NUMBER_MAX = 1e6

/** Texts that have broken something somewhere. */
export const ODD_TEXTS = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "\udfff x",
  "\u202e\u0000",
  "ﷺ".repeat(50),
  "é".repeat(100),
  "e\u0301".repeat(120),
  "🧑‍⚕️".repeat(60),
  "x".repeat(200),
  "x".repeat(201),
  "x".repeat(2_001),
  "' or 1=1; --",
  "'; drop table patients; --",
  "$(touch /tmp/x)",
  "{{7*7}}",
  "\u0024{jndi:ldap://127.0.0.1/x}",
  "<script>alert(1)</script>",
  "../../etc/passwd",
  "%00",
  "%s%n",
  "\\x00\\",
  "\r\nX-Injected: 1",
  "null",
  "undefined",
  "NaN",
  "-0",
  "1e400",
  "0x10",
  "9007199254740993",
  "2026-02-30",
  "0000-00-00",
  "9999-12-31T23:59:59.999Z",
  "0001-01-01T00:00:00+14:00",
  "2026-12-20T10:00:60Z",
  "+275760-09-13T00:00:00Z",
  "00000000-0000-0000-0000-000000000000",
  "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
  "constructor",
  "__proto__",
]
const ODD_NUMBERS = [0, -0, -1, 0.1, 1e-7, 1e-320, 5e-324, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 63, 0.005, 1e6, 1e6 + 0.01, 10 ** 15]

export const oddText = fc.constantFrom(...ODD_TEXTS)
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.constantFrom<unknown>(...ODD_NUMBERS),
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { a: 1 }, "true", [[[[[[]]]]]]),
  fc.jsonValue({ maxDepth: 2 }),
  fc.string({ unit: "binary", maxLength: 30 }),
)

/** Names that nobody may set, and names that objects know without having them. */
export const FOREIGN_KEYS = [
  ..."id uid userId status version role clinicId patientId doctorId receptionistId createdAt updatedAt paidAt amountMinor priority".split(
    " ",
  ),
  ..."active admin isAdmin permissions walkIn offset seq rooms email currency clinicVerificationCode verificationCode h3_r8 cvv".split(" "),
  ..."__proto__ constructor prototype toString hasOwnProperty valueOf __defineGetter__ toJSON then length $ref $where".split(" "),
]

export class Arbitraries {
  readonly #named = new Map<string, fc.Arbitrary<unknown>>()

  constructor(
    private readonly document: OpenApi,
    private readonly known: Known,
  ) {}

  /** What the schema allows; now and then what it merely seems to allow, for not every rule can be said in a schema. `name`: the field's. */
  of(schema: Schema, name = ""): fc.Arbitrary<unknown> {
    if (schema.$ref) return this.#of(schema.$ref)
    const made = this.#made(schema, name)
    if (!schema.examples) return made
    const examples = fc.tuple(fc.constantFrom(...schema.examples), fc.nat()).map(([example, which]) => this.#placed(example, which))
    return fc.oneof({ weight: 2, arbitrary: made }, { weight: 1, arbitrary: examples })
  }

  #of(ref: string): fc.Arbitrary<unknown> {
    const name = ref.split("/").at(-1) as string
    const known = this.#named.get(name) ?? this.of(this.document.components.schemas?.[name] as Schema)
    this.#named.set(name, known)
    return known
  }

  /** An id of this kind, mostly; or of another, or of nothing. */
  id(kind: KindOfId | undefined): fc.Arbitrary<string> {
    const { ids } = this.known
    const ofKind = (which: KindOfId) => fc.nat().map((i) => ids[which][i % ids[which].length] as string)
    const any = fc.oneof(...KINDS_OF_IDS.map(ofKind))
    return fc.oneof({ weight: 6, arbitrary: kind ? ofKind(kind) : any }, { weight: 1, arbitrary: any }, { weight: 1, arbitrary: fc.uuid() })
  }

  /** An example, about something that is there. */
  #placed(example: unknown, which: number): unknown {
    if (typeof example !== "object" || example === null || Array.isArray(example)) return example
    const { ids, times } = this.known
    const placed = Object.entries(example).map(([name, value]) => {
      const kind = KINDS_OF_IDS.find((kind) => name === `${kind}Id`)
      return [name, kind ? ids[kind][which % ids[kind].length] : name === "scheduledAt" ? times[which % times.length] : value]
    })
    return Object.fromEntries(placed)
  }

  #made(schema: Schema, name: string): fc.Arbitrary<unknown> {
    if (schema.const !== undefined) return fc.constant(schema.const)
    if (schema.enum) return fc.constantFrom(...schema.enum)
    const either = schema.anyOf ?? schema.oneOf
    if (either) return fc.oneof(...either.map((one) => this.of(one, name)))
    if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => this.of({ ...schema, type, examples: undefined }, name)))
    switch (schema.type) {
      case "object":
        return this.#object(schema)
      case "array":
        return this.#array(schema)
      case "string":
        return this.#text(schema, name)
      case "integer":
        return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? NUMBER_MAX, Number.MAX_SAFE_INTEGER) })
      case "number":
        return this.#number(schema)
      case "boolean":
        return fc.boolean()
      case "null":
        return fc.constant(null)
      default:
        return oddValue
    }
  }

  #object({ properties = {}, required = [], additionalProperties, propertyNames }: Schema): fc.Arbitrary<unknown> {
    const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, this.of(schema, name)]))
    const own = fc.record(fields, { requiredKeys: required })
    if (typeof additionalProperties !== "object") return own
    const keys = propertyNames ? (this.of(propertyNames) as fc.Arbitrary<string>) : fc.string({ maxLength: 8 })
    return fc.dictionary(keys, this.of(additionalProperties), { maxKeys: LIST_MAX, noNullPrototype: true })
  }

  #array({ prefixItems, items, minItems = 0, maxItems = LIST_MAX }: Schema): fc.Arbitrary<unknown> {
    if (prefixItems) return fc.tuple(...prefixItems.map((item) => this.of(item)))
    const item = typeof items === "object" ? this.of(items) : oddValue
    return fc.array(item, { minLength: minItems, maxLength: Math.min(maxItems, LIST_MAX) })
  }

  #text({ format, pattern, minLength = 0, maxLength = TEXT_MAX }: Schema, name: string): fc.Arbitrary<string> {
    if (format === "uuid") return this.id(KINDS_OF_IDS.find((kind) => name === `${kind}Id`))
    if (format === "date-time")
      return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...this.known.times) }, fc.date({ noInvalidDate: true }).map(isoOf))
    if (format === "date") return fc.date({ noInvalidDate: true }).map((date) => isoOf(date).slice(0, 10))
    if (pattern) return fc.stringMatching(new RegExp(pattern))
    return fc.string({ unit: "grapheme", minLength, maxLength: Math.min(maxLength, TEXT_MAX) })
  }

  #number({ minimum, exclusiveMinimum, maximum = NUMBER_MAX }: Schema): fc.Arbitrary<number> {
    const min = minimum ?? exclusiveMinimum ?? 0
    const whole = fc.integer({ min: Math.ceil(min), max: Math.floor(maximum) })
    return fc.oneof(
      whole,
      whole.map((n) => Math.min(maximum, n + 0.5)),
      fc.double({ min, max: maximum, noNaN: true }),
    )
  }
}

/** Years that RFC 3339 cannot write are wrapped into those that it can. */
function isoOf(date: Date): string {
  return new Date(Math.abs(date.getTime()) % Date.parse("9999-01-01T00:00:00Z")).toISOString()
}
