/** JSON Schema (2020-12) of zod schemas, as OpenAPI 3.1 takes it: those with an `id` stand once among the components. */
import { z } from "zod"

export type JsonSchema = Record<string, unknown>

/** What a client sends, or what it gets. */
type Side = "input" | "output"

const LOCAL = "#/$defs/"
const COMPONENTS = "#/components/schemas/"

export class Schemas {
  readonly components: Record<string, JsonSchema> = {}

  /** The schema, or a reference to it. Throws if two that differ bear one id. */
  of(schema: z.ZodType, side: Side): JsonSchema {
    const { $schema: _, $defs, ...own } = z.toJSONSchema(schema, { io: side, override: (ctx) => tidy(ctx.zodSchema, ctx.jsonSchema, side) })
    for (const [id, definition] of Object.entries($defs ?? {})) this.#define(id, relocated(definition) as JsonSchema)
    return relocated(own) as JsonSchema
  }

  #define(id: string, definition: JsonSchema): void {
    const known = this.components[id]
    if (known && !Bun.deepEquals(known, definition)) throw new Error(`two schemas that differ are both called ${id}`)
    this.components[id] = definition
  }
}

function relocated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocated)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string" ? inner.replace(LOCAL, COMPONENTS) : relocated(inner),
    ]),
  )
}

/** What zod leaves out or says twice. */
function tidy(schema: z.core.$ZodType, json: JsonSchema, side: Side): void {
  // Of what is read from text, the number is meant and not its spelling.
  if (json.type === "number" || json.type === "integer") {
    delete json.maxLength
    delete json.pattern
  }
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum
  // The format says it, and in fewer words.
  if (json.format === "uuid" || json.format === "date" || json.format === "date-time") delete json.pattern
  if (json.format === "date-time" && side === "output") json.pattern = "Z$"
  // Readonly in types is not what OpenAPI means by it.
  delete json.readOnly
  // Dropped by zod where the value is transformed, since there they might be of the other side; ours are of the sender's.
  if (schema instanceof z.ZodDefault && typeof schema.def.defaultValue !== "object") json.default ??= schema.def.defaultValue
  const examples = z.globalRegistry.get(schema)?.examples
  if (examples) json.examples = examples
}
