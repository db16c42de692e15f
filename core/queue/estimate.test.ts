import { expect, test } from "bun:test"
import { type Estimated, placesOf } from "./estimate.ts"

const now = new Date("2026-05-04T10:00:00Z")
const waiting = (doctorId: string, typicalMs: number | null = null): Estimated => ({
  doctorId,
  startedAt: null,
  slotMinutes: 30,
  typicalMs,
})
const started = (doctorId: string, at: string, typicalMs: number | null = null): Estimated => ({
  ...waiting(doctorId, typicalMs),
  startedAt: new Date(`2026-05-04T${at}Z`),
})
const told = (entries: Estimated[], at = now) =>
  placesOf(entries, at).map(({ place }) => [place.position, place.estimatedStart.toISOString().slice(11, 19)])

test("whoever is first may go in now, the next when a slot has passed, while there are too few visits to go by", () => {
  expect(told([waiting("a"), waiting("a"), waiting("a")])).toEqual([
    [1, "10:00:00"],
    [2, "10:30:00"],
    [3, "11:00:00"],
  ])
})

test("the doctor's own visits count where they are known, for the one that runs as well", () => {
  const twelve = 12 * 60_000
  expect(told([started("a", "09:55:00", twelve), waiting("a", twelve), waiting("a", twelve)])).toEqual([
    [1, "10:07:00"],
    [2, "10:19:00"],
  ])
})

test("a visit that has taken longer than expected is expected to end now, never before", () => {
  expect(told([started("a", "08:00:00"), waiting("a"), waiting("a")])).toEqual([
    [1, "10:00:00"],
    [2, "10:30:00"],
  ])
})

test("of two visits that run the later end counts", () => {
  expect(told([started("a", "09:45:00"), started("a", "09:50:00"), waiting("a")])).toEqual([[1, "10:20:00"]])
})

test("doctors do not wait for each other", () => {
  expect(told([started("a", "09:50:00"), waiting("a"), waiting("b"), waiting("a"), waiting("b")])).toEqual([
    [1, "10:20:00"],
    [1, "10:00:00"],
    [2, "10:50:00"],
    [2, "10:30:00"],
  ])
})

test("estimates are whole minutes, rounded up", () => {
  expect(told([waiting("a", 90_000), waiting("a", 90_000)], new Date("2026-05-04T10:00:00.001Z"))).toEqual([
    [1, "10:01:00"],
    [2, "10:02:00"],
  ])
})
