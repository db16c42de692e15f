import { expect, test } from "bun:test"
import fc from "fast-check"
import { type IndexedDoctor, jsonPrefix } from "./listed-doctor.ts"
import { distanceBefore, Listing, numberIn, textIn } from "./listing.ts"

const doctor: IndexedDoctor = {
  id: "01890000-0000-7000-8000-000000000001",
  version: 1,
  name: 'Ada "the \\ first" Łukasz',
  specialization: "Family, medicine",
  consultationFee: 99.125,
  currency: "EUR",
  clinicId: "01890000-0000-7000-8000-000000000002",
  clinicName: "A,B:{}[]",
  clinicAddress: '"',
  city: "Paris\n",
  clinicLatitude: -1.5e-7,
  clinicLongitude: 179.999999,
  services: ["a", '","city":"'],
}
const before = "before\n"
const line = (json: string) => Buffer.from(`${before}${json},"distanceKm":12`)

function read(bytes: Buffer): Listing {
  const listing = new Listing()
  listing.read(bytes, before.length)
  listing.readClinic()
  return listing
}

test("everything is found where it stands, whatever stands around it and in it", () => {
  const bytes = line(jsonPrefix(doctor))
  const l = read(bytes)
  const texts = [
    [l.nameFrom, l.nameTo],
    [l.specializationFrom, l.specializationTo],
    [l.clinicNameFrom, l.clinicNameTo],
    [l.cityFrom, l.cityTo],
  ] as [number, number][]
  const numbers = [
    [l.feeFrom, l.feeTo],
    [l.latitudeFrom, l.latitudeTo],
    [l.longitudeFrom, l.longitudeTo],
  ] as [number, number][]
  const { name, specialization, clinicName, city, consultationFee, clinicLatitude, clinicLongitude } = doctor
  expect(texts.map((span) => textIn(bytes, ...span))).toEqual([name, specialization, clinicName, city])
  expect(numbers.map((span) => numberIn(bytes, ...span))).toEqual([consultationFee, clinicLatitude, clinicLongitude])
  expect(bytes.toString("utf8", before.length, distanceBefore(bytes, bytes.length))).toBe(jsonPrefix(doctor))
})

test("JSON that is other than expected is refused, wherever it ends or differs", () => {
  const json = jsonPrefix(doctor)
  const services = json.lastIndexOf(',"services"')
  for (let end = 0; end < services; end++) expect(() => read(Buffer.from(before + json.slice(0, end)))).toThrow("a listing")
  for (const key of [
    "name",
    "specialization",
    "consultationFee",
    "currency",
    "clinicId",
    "clinicName",
    "clinicAddress",
    "city",
    "clinicLatitude",
  ])
    expect(() => read(line(json.replace(`"${key}"`, `"${key}s"`)))).toThrow("a listing lacks")
  expect(() => distanceBefore(Buffer.from(`${json},"km":12`), json.length + 8)).toThrow("a listing lacks")
})

test("a number is the double that JSON.parse makes of it, whatever its digits are", () => {
  const whole = fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String)
  const decimal = fc.tuple(fc.nat(1_000_000_000), fc.nat(99_999_999), fc.nat(8)).map(([a, b, zeros]) => `${a}.${"0".repeat(zeros)}${b}`)
  const signed = fc.tuple(fc.constantFrom("", "-"), fc.oneof(whole, decimal)).map((parts) => parts.join(""))
  const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n))
  fc.assert(
    fc.property(fc.oneof(signed, double), (text) => {
      expect(numberIn(Buffer.from(`:${text},`), 1, 1 + text.length)).toBe(JSON.parse(text))
    }),
    { numRuns: 5_000 },
  )
})
