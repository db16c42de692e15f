import { expect, test } from "bun:test"
import fc from "fast-check"
import { currencyDecimals, fitsCurrency, MONEY_MAX } from "../fields.ts"
import { fromMinor, toMinor } from "./money.ts"

test("every whole number of minor units of every currency becomes the amount it spells and comes back, exactly", () => {
  const currency = fc.constantFrom(...Intl.supportedValuesOf("currency"))
  const minor = currency.chain((code) => fc.tuple(fc.constant(code), fc.integer({ min: 1, max: MONEY_MAX * 10 ** currencyDecimals(code) })))
  fc.assert(
    fc.property(minor, ([code, units]) => {
      const decimals = currencyDecimals(code)
      const spelled = String(units).padStart(decimals + 1, "0")
      const amount = Number(decimals === 0 ? spelled : `${spelled.slice(0, -decimals)}.${spelled.slice(-decimals)}`)
      expect([fromMinor(units, code), toMinor(amount, code), fitsCurrency(amount, code)]).toEqual([amount, units, true])
    }),
    { numRuns: 2_000 },
  )
})

test("no currency has more decimals than the column keeps", () => {
  expect(Math.max(...Intl.supportedValuesOf("currency").map(currencyDecimals))).toBeLessThanOrEqual(4)
})
