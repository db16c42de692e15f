import { expect, test } from "bun:test"
import type { Reading } from "../evidence.ts"
import { at, sound } from "../sound.ts"
import { checkReadings } from "./readings.ts"

test("figures that were read while midnight struck may be yesterday's or today's", () => {
  const evidence = sound()
  const reading = evidence.readings.find((r) => r.path.includes("analytics")) as Reading
  const [before, after] = [Date.parse(at(28)) - 1, Date.parse(at(28))]
  expect(new Date(after).toISOString()).toEndWith("T00:00:00.000Z")
  Object.assign(reading, { from: before, to: after })
  expect(checkReadings(evidence)).toEqual([])
  Object.assign(reading, { from: after })
  expect(checkReadings(evidence).map(({ what }) => what)).toContain(
    'doctor is answered by api-0 (/doctors/analytics?period=day) with from "2030-01-07"; counted are "2030-01-08"',
  )
})

test("whoever was turned away is to be answered 403", () => {
  const evidence = { ...sound(), dismissed: ["patient"] }
  expect(checkReadings(evidence).map(({ what }) => what)).toEqual([
    "patient is answered by api-1 (/appointments) 200",
    "patient is answered by api-0 (/payments) 200",
  ])
  for (const reading of evidence.readings) if (reading.person.uid === "patient") Object.assign(reading, { status: 403, body: {} })
  expect(checkReadings(evidence)).toEqual([])
})
