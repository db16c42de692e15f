/** Everything that a system keeps or says, as text; and what of it looks like a card number. */
import { Redis } from "ioredis"
import { passesLuhn } from "../../core/card-number.ts"
import type { TestDatabase, TestRedis } from "./services.ts"

/** Every row of every table. Bytes are given as they are: in hexadecimal, chance alone makes runs of digits. */
export async function databaseText({ pool }: TestDatabase): Promise<string> {
  const tables = await pool<{ name: string; binary: string[] }[]>`
    select table_name as name, coalesce(array_agg(column_name::text) filter (where data_type = 'bytea'), '{}') as binary
    from information_schema.columns where table_schema = 'public' group by table_name`
  const texts: string[] = []
  for (const { name, binary } of tables) {
    for (const { text } of await pool`select (to_jsonb(t) - ${binary}::text[])::text as text from ${pool(name)} t`) texts.push(text)
    for (const column of binary)
      for (const { bytes } of await pool`select ${pool(column)} as bytes from ${pool(name)}`)
        if (bytes) texts.push((bytes as Buffer).toString("latin1"))
  }
  return texts.join("\n")
}

/** Every key and value of every kind. */
export async function redisText({ config }: TestRedis): Promise<string> {
  const redis = new Redis({ host: config.host, port: config.port, password: config.password })
  const texts: string[] = []
  for await (const keys of redis.scanStream())
    for (const key of keys as string[]) texts.push(key, JSON.stringify(await contentOf(redis, key)))
  redis.disconnect()
  return texts.join("\n")
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key)
  switch (type) {
    case "string":
      return await redis.get(key)
    case "hash":
      return await redis.hgetall(key)
    case "list":
      return await redis.lrange(key, 0, -1)
    case "set":
      return await redis.smembers(key)
    case "zset":
      return await redis.call("zrange", key, "0", "-1", "WITHSCORES")
    case "stream":
      return await redis.xrange(key, "-", "+")
    case "none":
      return undefined
    default:
      throw new Error(`a key of a type that nobody looks into: ${type}`)
  }
}

/** Queues keep instants as milliseconds since 1970, some times 4,096 to leave room for an order: 13 and 16 digits, of which every tenth passes Luhn. */
const NEAR_NOW_MS = 400 * 86_400_000
const isInstant = (n: number) => [n, n / 4_096].some((ms) => Math.abs(ms - Date.now()) < NEAR_NOW_MS)

/** Runs of 13 to 19 digits, as such or in groups of four, that pass Luhn and are no part of a word, an id or a fraction, nor an instant of these days. */
export function cardLike(text: string): string[] {
  const runs = text.matchAll(/(?<![\w-]|\d\.)(?:\d{13,19}|\d{4}(?:[ -]\d{4}){2,3}[ -]?\d{1,7})(?![\w-]|\.\d)/g)
  return [...new Set(Array.from(runs, ([run]) => run))].filter((run) => {
    const digits = run.replace(/[ -]/g, "")
    return passesLuhn(digits) && !isInstant(Number(digits))
  })
}

/** Those of the numbers that stand in the text, however their digits are spaced. */
export function numbersIn(text: string, numbers: string[]): string[] {
  const bare = text.replace(/[ +-]|%20/g, "")
  return numbers.filter((number) => bare.includes(number))
}
