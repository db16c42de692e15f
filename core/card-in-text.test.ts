import { expect, test } from "bun:test"
import fc from "fast-check"
import { containsCardNumber } from "./card-in-text.ts"
import { isIssuedNumber, passesLuhn } from "./card-number.ts"

/** Numbers that the networks publish for tests, each as its card shows it. */
const CARDS = [
  "4242 4242 4242 4242",
  "5555 5555 5555 4444",
  "2223 0031 2200 3222",
  "3782 822463 10005",
  "6011 1111 1111 1117",
  "3056 930902 5904",
  "3530 1113 3330 0000",
  "6200 0000 0000 0005",
  "6759 6498 2643 8453",
  "2200 0000 0000 0004",
  "4917 6100 0000 0000 003",
]
const SEPARATORS = ["", " ", "-", ".", " - ", "\u00a0", "\u2009", "\u2011", "\u2013", "\u200b", "\n", "_"]

test("a card's number is found however it is written and whatever stands around it", () => {
  for (const card of CARDS)
    for (const separator of SEPARATORS) {
      const written = card.replaceAll(" ", separator)
      for (const text of [
        written,
        `Pay with ${written}, please`,
        `(${written})`,
        `card:${written}.`,
        `12/27 ${written} 737`,
        `x${written}y`,
      ])
        expect([text, containsCardNumber(text)]).toEqual([text, true])
    }
})

test("digits of other scripts are digits", () => {
  const digits = "4242424242424242"
  for (const zero of ["\u0660", "\u06f0", "\uff10"]) {
    const written = digits.replace(/\d/g, (d) => String.fromCharCode(zero.charCodeAt(0) + Number(d)))
    expect([written, containsCardNumber(written)]).toEqual([written, true])
  }
})

test("phone numbers of every length, instants, ids and the figures of a clinic are no cards", () => {
  const phones = [
    "+1 212 555 0100",
    "+4915123456789",
    "004915123456789",
    "+62 812-3456-7890",
    "6281234567890",
    "(212) 555-0100 ext. 4242",
    "+442079460958",
  ]
  const figures = ["120/80 130/85 140/90 125/82", "4.5 5.1 4.8 5.6 5.0 6.1 4.9", "2021 2022 2023 2024", "10-20-30-40-50-60-70", "4111.50"]
  const ids = [
    "01920000-4000-7000-8000-000000000005",
    "2026-12-20T10:00:00.000Z",
    "20261220100000",
    "ICD-10 E11.9, LOINC 4548-4",
    "1234567890128",
  ]
  for (const text of [...phones, ...figures, ...ids, "", "4242", "a".repeat(2_000)])
    expect([text, containsCardNumber(text)]).toEqual([text, false])
})

test("no phone number that is written with its plus is taken for a card", () => {
  const phone = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.stringMatching(/^\d{6,14}$/)).map(([first, rest]) => `+${first}${rest}`)
  fc.assert(
    fc.property(phone, (number) => {
      expect(containsCardNumber(number)).toBe(false)
    }),
  )
})

test("one wrong digit and it is no card, and of numbers at random few are", () => {
  // The last has another card in its first sixteen.
  for (const card of CARDS.slice(0, -1)) {
    const wrong = card.slice(0, -1) + ((Number(card.at(-1)) + 1) % 10)
    expect([wrong, containsCardNumber(wrong)]).toEqual([wrong, false])
  }
  let taken = 0
  for (let n = 0; n < 20_000; n++) {
    const digits = Array.from({ length: 16 }, () => Math.floor(Math.random() * 10)).join("")
    const is = containsCardNumber(digits)
    expect(is).toBe(isIssuedNumber(digits))
    if (is) expect(passesLuhn(digits)).toBe(true)
    taken += Number(is)
  }
  expect(taken / 20_000).toBeLessThan(0.05)
})

test("the longest text of digits and blanks is looked through in a moment", () => {
  const started = performance.now()
  for (const text of [
    "4 ".repeat(1_000),
    "4242 ".repeat(400),
    "1".repeat(2_000),
    "42424242424242420".repeat(117),
    " ".repeat(2_000),
    "4 - ".repeat(500),
  ])
    containsCardNumber(text)
  expect(performance.now() - started).toBeLessThan(100)
})
