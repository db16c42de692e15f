import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { caseKey, containsPattern, fold } from "./text.ts"

/** Every character there is, on a machine that is busy with other tests. */
const TIMEOUT_MS = 30_000

const characters = new Intl.Segmenter("en", { granularity: "grapheme" })
/** Texts of user-perceived characters, from all scripts and from those that names are made of. */
const LETTERS = [..."aAéÉøØłŁßẞıIİiſçÇñđĐæÆœΣσςάΆйЙёЁ가각かがｶﾞकिไทยที่עִ ﬁ%_\\'-", "e\u0301", "i\u0307", "o\u0328\u0301", "ệ", "Ṩ", "مُحَ"]
const text = fc.oneof(fc.string({ unit: fc.constantFrom(...LETTERS) }), fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }))

function* allCharacters(): Generator<string> {
  for (let code = 0; code <= 0x10ffff; code++) if (code < 0xd800 || code > 0xdfff) yield String.fromCodePoint(code)
}

describe("fold", () => {
  test("is the same for texts that differ in case and accents only", () => {
    const alike = [
      ["Łukasz", "lukasz", "LUKASZ", "łukasz"],
      ["Søren", "soren", "SØREN"],
      ["İstanbul", "istanbul", "ISTANBUL", "ıstanbul"],
      ["Straße", "STRASSE", "strasse", "STRAẞE"],
      ["Σίσυφος", "ΣΙΣΥΦΟΣ", "σισυφοσ"],
      ["Nguyễn Thị Ánh", "nguyen thi anh", "NGUYỄN THỊ ÁNH", "Nguyễn Thị Ánh".normalize("NFD")],
      ["Đặng", "dang"],
      ["Ærø", "aero"],
      ["Ёлкин", "елкин"],
      ["مُحَمَّد", "محمد"],
    ]
    for (const [first, ...others] of alike) for (const other of others) expect(fold(other)).toBe(fold(first as string))
  })

  test("keeps marks that are letters of their script", () => {
    expect(fold("कि")).not.toBe(fold("कु"))
    expect(fold("ที่")).not.toBe(fold("ท"))
  })

  test(
    "of what is folded changes nothing, for every character and for texts",
    () => {
      for (const c of allCharacters()) if (fold(fold(c)) !== fold(c)) throw new Error(`U+${c.codePointAt(0)?.toString(16)}`)
      fc.assert(fc.property(text, (t) => expect(fold(fold(t))).toBe(fold(t))))
    },
    TIMEOUT_MS,
  )

  test("of a part is a part of the whole's: what a reader sees in a name finds it, in either case", () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(), (whole, a, b) => {
        const seen = [...characters.segment(whole)].map((s) => s.segment)
        const part = seen.slice(...[a % (seen.length + 1), b % (seen.length + 1)].sort((x, y) => x - y)).join("")
        // The Greek iota under a vowel becomes a letter beside it in capitals; it is taken for an accent.
        const capitals = part.normalize("NFD").includes("\u0345") ? part : part.toUpperCase()
        for (const asked of [part, capitals, part.toLowerCase(), part.normalize("NFD"), part.normalize("NFC")])
          expect(fold(whole)).toContain(fold(asked))
      }),
      { numRuns: 3_000 },
    )
  })
})

describe("caseKey", () => {
  test("is the same whatever the case and the normal form, and differs by accents", () => {
    for (const [a, b] of [
      ["New York", "nEW yORK"],
      ["STRASSE", "Straße"],
      ["Αθήνας", "ΑΘΉΝΑΣ"],
      ["İstanbul", "istanbul"],
      ["Łódź", "ŁÓDŹ"],
      [" Paris ", "paris"],
    ])
      expect(caseKey(a as string)).toBe(caseKey(b as string))
    expect(caseKey("Münster")).toBe(caseKey("Münster".normalize("NFD")))
    expect(caseKey("Münster")).not.toBe(caseKey("Munster"))
  })

  test(
    "of a key changes nothing, for every character and for texts; case and form never matter",
    () => {
      for (const c of allCharacters()) if (caseKey(caseKey(c)) !== caseKey(c)) throw new Error(`U+${c.codePointAt(0)?.toString(16)}`)
      fc.assert(
        fc.property(text, (t) => {
          for (const other of [caseKey(t), t.toUpperCase(), t.toLowerCase(), t.normalize("NFD")]) expect(caseKey(other)).toBe(caseKey(t))
        }),
      )
    },
    TIMEOUT_MS,
  )
})

test("a pattern takes %, _ and \\ as ordinary characters", () => {
  expect(containsPattern("100%_\\")).toBe("%100\\%\\_\\\\%")
})
