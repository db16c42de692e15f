import { expect, test } from "bun:test"
import zoneAt from "@photostructure/tz-lookup"
import { currencyDecimals, fitsCurrency, MONEY_MAX } from "../../core/fields.ts"
import { SPECIALIZATIONS } from "./specializations.ts"
import { readCities } from "./world.ts"

const cities = readCities()
const at = (timezone: string) => Temporal.Instant.from("2026-01-15T00:00Z").toZonedDateTimeISO(timezone)

test("at least 300 cities of all inhabited continents, no name twice in a country", () => {
  expect(cities.length).toBeGreaterThanOrEqual(320)
  expect(new Set(cities.map(({ name, country }) => `${country.code} ${name}`)).size).toBe(cities.length)
  const continents = new Set(cities.map(({ timezone }) => timezone.split("/")[0]))
  for (const continent of ["Africa", "America", "Asia", "Australia", "Europe", "Pacific"]) expect(continents).toContain(continent)
})

test("every city's zone is the one that a lookup of its coordinates finds, at any time of the year", () => {
  const wrong = cities.filter(({ latitude, longitude, timezone }) => {
    const looked = zoneAt(latitude, longitude)
    return ["2020-01-15", "2023-07-15", "2026-01-15", "2026-07-15", "2026-10-30"].some((date) => {
      const noon = Temporal.Instant.from(`${date}T12:00Z`)
      return noon.toZonedDateTimeISO(timezone).offset !== noon.toZonedDateTimeISO(looked).offset
    })
  })
  expect(wrong).toEqual([])
})

test("every city's coordinates lie in its country, as far as zones tell", () => {
  // The zone of northern Vietnam is kept under the name of Bangkok.
  const shared = new Set(["Hanoi"])
  const wrong = cities.filter(({ name, country, latitude, longitude }) => {
    const looked = at(zoneAt(latitude, longitude))
    const zones = new Intl.Locale("und", { region: country.code }).getTimeZones() ?? []
    return !shared.has(name) && !zones.some((zone) => looked.equals(at(zone)))
  })
  expect(wrong.map(({ name }) => name)).toEqual([])
})

test("coordinates are given to at least a hundredth of a degree, populations are those of cities", () => {
  for (const { latitude, longitude, population } of cities) {
    expect(Math.abs(latitude)).toBeLessThan(66)
    expect(Math.abs(longitude)).toBeLessThanOrEqual(180)
    expect(Number.isInteger(latitude * 10) && Number.isInteger(longitude * 10)).toBe(false)
    expect(population).toBeGreaterThan(100_000)
    expect(population).toBeLessThan(40_000_000)
  }
})

test("every currency is one of ISO 4217, with fees in its own decimals that a payment can be made of", () => {
  const known = new Set(Intl.supportedValuesOf("currency"))
  for (const { currency } of cities.map(({ country }) => country)) {
    expect(known).toContain(currency.code)
    expect(fitsCurrency(currency.step, currency.code)).toBe(true)
    expect(currency.visit).toBeGreaterThanOrEqual(currency.step)
    expect(currency.visit).toBeLessThan(MONEY_MAX)
  }
  expect([currencyDecimals("JPY"), currencyDecimals("KWD")]).toEqual([0, 3])
})

test("forty specializations, each with services and lengths of visit", () => {
  expect(new Set(SPECIALIZATIONS.map(({ name }) => name)).size).toBe(40)
  for (const { services, minutes } of SPECIALIZATIONS) {
    expect(services.length).toBeGreaterThanOrEqual(3)
    for (const length of minutes) expect([10, 15, 20, 30, 45, 60]).toContain(length)
  }
})
