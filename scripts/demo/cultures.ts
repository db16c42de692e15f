/** What people, streets and practices are called, by language and region: cultures.tsv. */
import { between, pick, type Random } from "./random.ts"
import { readTable } from "./world.ts"

type Culture = {
  female: string[]
  male: string[]
  family: string[]
  /** How a family name ends when a woman bears it; the first rule that fits. */
  feminine: { end: string; becomes: string }[]
  /** Orders of name, such as "{family} {given}". */
  name: string[]
  street: string[]
  clinic: string[]
  address: string
}

const INITIALS = [..."ABCDEFGHJKLMNPRSTW"]
const HOUSE_NUMBERS = { from: 1, to: 240 }
/** Of a Japanese address: districts and blocks rather than houses. */
const BLOCK_NUMBERS = { from: 1, to: 28 }

function readCultures(): Map<string, Culture> {
  const cultures = new Map<string, Culture>()
  for (const [name = "", kind = "", value = ""] of readTable("cultures.tsv", 3)) {
    const culture = cultures.get(name) ?? {
      female: [],
      male: [],
      family: [],
      feminine: [],
      name: ["{given} {family}"],
      street: [],
      clinic: [],
      address: "",
    }
    cultures.set(name, culture)
    const list = value.split(", ")
    if (kind === "address") culture.address = value
    else if (kind === "feminine")
      culture.feminine = list.map((rule) => rule.split(">")).map(([end = "", becomes = ""]) => ({ end, becomes }))
    else culture[kind as "female" | "male" | "family" | "name" | "street" | "clinic"] = list
  }
  return cultures
}

const cultures = readCultures()

function cultureOf(name: string): Culture {
  const culture = cultures.get(name)
  if (!culture) throw new Error(`demo data names the culture ${name}, which no file describes`)
  return culture
}

/** Fills in {placeholders}, each on its own. */
function fill(pattern: string, value: (placeholder: string) => string): string {
  return pattern.replace(/\{(\w+)\}/g, (_, placeholder: string) => value(placeholder))
}

export function personName(random: Random, name: string): string {
  const culture = cultureOf(name)
  const woman = between(random, 0, 1) === 0
  const used = new Set<string>()
  const fresh = (list: readonly string[]) => {
    let word = pick(random, list)
    while (used.has(word)) word = pick(random, list)
    used.add(word)
    return word
  }
  return fill(pick(random, culture.name), (placeholder) => {
    if (placeholder === "initial") return pick(random, INITIALS)
    if (placeholder === "given") return fresh(woman ? culture.female : culture.male)
    const family = fresh(culture.family)
    return woman ? feminine(culture, family) : family
  })
}

function feminine(culture: Culture, family: string): string {
  const rule = culture.feminine.find(({ end }) => family.endsWith(end))
  return rule ? family.slice(0, -rule.end.length) + rule.becomes : family
}

export function clinicName(random: Random, name: string, city: string): string {
  const culture = cultureOf(name)
  return fill(pick(random, culture.clinic), (placeholder) => (placeholder === "city" ? city : pick(random, culture.family)))
}

/** Street, number and city, in the order of the place. */
export function address(random: Random, name: string, city: string): string {
  const culture = cultureOf(name)
  const street = fill(culture.address, (placeholder) => {
    if (placeholder === "street") return pick(random, culture.street)
    const { from, to } = placeholder === "block" ? BLOCK_NUMBERS : HOUSE_NUMBERS
    return String(between(random, from, to))
  })
  return `${street}, ${city}`
}
