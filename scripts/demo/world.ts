/** The facts that demo data is made of: cities, countries and currencies, from the .tsv files beside this one. */
import { readFileSync } from "node:fs"

export type Break = "none" | "lunch" | "siesta" | "evening"
export type Week = "mon-fri" | "sun-thu" | "sat-thu" | "sat-wed" | "sun-fri"
/** What a visit to a general practitioner costs, about, and what fees are rounded to. */
export type Currency = { code: string; visit: number; step: number }
export type Country = { code: string; currency: Currency; culture: string; week: Week; break: Break }
export type City = {
  name: string
  country: Country
  latitude: number
  longitude: number
  /** Of the city with its suburbs, about. */
  population: number
  timezone: string
  culture: string
  /** Compass directions, from the centre, in which open water lies: nobody practises there. */
  water: ReadonlySet<string>
}

/** Where another language is spoken than in most of the country. */
const CITY_CULTURES: Record<string, string> = { Montréal: "french", Québec: "french", Geneva: "french", Brussels: "french" }

/** The columns of each line. Throws on a line with fewer or more. */
export function readTable(name: string, columns: number): string[][] {
  const text = readFileSync(new URL(name, import.meta.url), "utf8")
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const fields = line.split("\t")
      if (fields.length !== columns) throw new Error(`${name}: not ${columns} columns: ${line}`)
      return fields
    })
}

function found<T>(map: ReadonlyMap<string, T>, key: string): T {
  const value = map.get(key)
  if (value === undefined) throw new Error(`demo data names ${key}, which no file describes`)
  return value
}

function readCurrencies(): Map<string, Currency> {
  const rows = readTable("currencies.tsv", 3)
  return new Map(rows.map(([code = "", visit, step]) => [code, { code, visit: Number(visit), step: Number(step) }]))
}

function readCountries(currencies: ReadonlyMap<string, Currency>): Map<string, Country> {
  const rows = readTable("countries.tsv", 5)
  return new Map(
    rows.map(([code = "", currency = "", culture = "", week, pause]) => [
      code,
      { code, currency: found(currencies, currency), culture, week: week as Week, break: pause as Break },
    ]),
  )
}

/** All cities. Two of one name lie in different countries. */
export function readCities(): City[] {
  const countries = readCountries(readCurrencies())
  return readTable("cities.tsv", 7).map(([name = "", code = "", latitude, longitude, population, timezone = "", water = ""]) => {
    const country = found(countries, code)
    return {
      name,
      country,
      latitude: Number(latitude),
      longitude: Number(longitude),
      population: Number(population),
      timezone,
      culture: CITY_CULTURES[name] ?? country.culture,
      water: new Set(water.split(" ").filter(Boolean)),
    }
  })
}
