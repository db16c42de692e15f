import { expect, test } from "bun:test"
import fc from "fast-check"
import { cardBrand, isExpired, maskCardNumbers, passesLuhn } from "./card-number.ts"

/** Numbers that the networks publish for tests. */
const NUMBERS: [string, string][] = [
  ["4242424242424242", "visa"],
  ["4222222222222", "visa"],
  ["4917610000000000003", "visa"],
  ["5555555555554444", "mastercard"],
  ["2223003122003222", "mastercard"],
  ["2720990000000007", "mastercard"],
  ["378282246310005", "amex"],
  ["343434343434343", "amex"],
  ["6011111111111117", "discover"],
  ["6500000000000002", "discover"],
  ["30569309025904", "diners"],
  ["3530111333300000", "jcb"],
  ["6200000000000005", "unionpay"],
  ["6759649826438453", "maestro"],
  ["2200000000000004", "mir"],
]

test("the networks' own test numbers pass, under their brands", () => {
  for (const [number, brand] of NUMBERS) expect([number, passesLuhn(number), cardBrand(number)]).toEqual([number, true, brand])
  expect(cardBrand("9999999999999995")).toBe("other")
})

test("one wrong digit anywhere fails, whatever the number", () => {
  const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 12, maxLength: 18 })
  const withCheckDigit = digits.map((d) => d.join("")).map((d) => d + [...Array(10).keys()].find((check) => passesLuhn(`${d}${check}`)))
  fc.assert(
    fc.property(withCheckDigit, fc.nat(), fc.integer({ min: 1, max: 9 }), (number, place, change) => {
      const at = place % number.length
      const wrong = number.slice(0, at) + ((Number(number[at]) + change) % 10) + number.slice(at + 1)
      expect([passesLuhn(number), passesLuhn(wrong)]).toEqual([true, false])
    }),
  )
})

test("a card is good to the last millisecond of its month in UTC, December included", () => {
  expect(isExpired(11, 2026, Date.parse("2026-11-30T23:59:59.999Z"))).toBe(false)
  expect(isExpired(11, 2026, Date.parse("2026-12-01T00:00:00Z"))).toBe(true)
  expect(isExpired(12, 2026, Date.parse("2026-12-31T23:59:59.999Z"))).toBe(false)
  expect(isExpired(12, 2026, Date.parse("2027-01-01T00:00:00Z"))).toBe(true)
})

test("a text is told back without card numbers however they are spaced, and with ids, instants and prices as they were", () => {
  for (const [number] of NUMBERS) {
    const fours = number.replace(/(\d{4})(?=\d)/g, "$1 ")
    for (const written of [number, fours, fours.replaceAll(" ", "-"), fours.replaceAll(" ", "%20"), fours.replaceAll(" ", "+")]) {
      const masked = maskCardNumbers(`{"instance":"/payments/${written}/status"}`)
      expect(masked).toBe('{"instance":"/payments/[digits]/status"}')
    }
  }
  const harmless =
    '{"a":"01234567-8901-7234-8567-890123456789","b":"2026-12-20T10:00:00Z","c":1000000.55,"d":[1,2,3,4,5,6,7,8,9,10,11,12,13,14]}'
  expect(maskCardNumbers(harmless)).toBe(harmless)
})
