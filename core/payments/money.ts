/** Amounts as whole numbers of the currency's minor unit: cents of dollars, yen, thousandths of Kuwaiti dinars. */
import { currencyDecimals } from "../fields.ts"

/** The amount must fit its currency. Exact: an amount has fewer digits than a double holds, and rounding mends the product. */
export function toMinor(amount: number, currency: string): number {
  return Math.round(amount * 10 ** currencyDecimals(currency))
}

/** The double next to the amount: it prints as the amount, digit by digit. */
export function fromMinor(minor: number, currency: string): number {
  return minor / 10 ** currencyDecimals(currency)
}
