import { expect, test } from "bun:test"
import { lapseOf } from "./lapse.ts"

const lapse = (at: string, zone: string) => lapseOf(new Date(at), zone).toISOString()

test("an entry leaves at the end of its day in the clinic's zone", () => {
  expect(lapse("2026-05-04T10:00:00Z", "UTC")).toBe("2026-05-05T00:00:00.000Z")
  expect(lapse("2026-05-04T10:00:00Z", "America/New_York")).toBe("2026-05-05T04:00:00.000Z")
  expect(lapse("2026-05-04T10:00:00Z", "Asia/Tokyo")).toBe("2026-05-04T15:00:00.000Z")
})

test("days on which clocks change are as long as they are", () => {
  expect(lapse("2026-03-29T08:00:00Z", "Europe/Berlin")).toBe("2026-03-29T22:00:00.000Z")
  expect(lapse("2026-10-25T08:00:00Z", "Europe/Berlin")).toBe("2026-10-25T23:00:00.000Z")
})

test("who comes shortly before midnight stays for some hours", () => {
  expect(lapse("2026-05-04T23:50:00Z", "UTC")).toBe("2026-05-05T03:50:00.000Z")
})
