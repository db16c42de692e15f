/** Chance that is the same on every machine: integer arithmetic only, from a seed. */
import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32"
import { uniformInt } from "pure-rand/distribution/uniformInt"
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus"
import type { JumpableRandomGenerator } from "pure-rand/types/JumpableRandomGenerator"

export type Random = JumpableRandomGenerator

/** Independent streams of one seed, 2^64 draws apart, so that one kind of row can change without the others. */
const STREAMS = ["clinics", "doctors", "desk", "appointments", "payments"] as const

export function randomOf(seed: number, stream: (typeof STREAMS)[number]): Random {
  const random = xoroshiro128plus(seed)
  for (let jumps = 0; jumps <= STREAMS.indexOf(stream); jumps++) random.jump()
  return random
}

/** An integer, both ends included. */
export function between(random: Random, from: number, to: number): number {
  return uniformInt(random, from, to)
}

/** A number in [0, 1). */
export function fraction(random: Random): number {
  return uniformFloat32(random)
}

export function chance(random: Random, probability: number): boolean {
  return uniformFloat32(random) < probability
}

export function pick<T>(random: Random, list: readonly T[]): T {
  const item = list[uniformInt(random, 0, list.length - 1)]
  if (item === undefined) throw new Error("nothing to pick from")
  return item
}

/** Distinct items, in the list's order. */
export function pickSome<T>(random: Random, list: readonly T[], count: number): T[] {
  let wanted = Math.min(count, list.length)
  return list.filter((_, index) => {
    const taken = uniformInt(random, 1, list.length - index) <= wanted
    if (taken) wanted--
    return taken
  })
}

/** Picks in proportion to whole-number weights. */
export function weighted<T>(list: readonly T[], weightOf: (item: T) => number): (random: Random) => T {
  const ends: number[] = []
  let total = 0
  for (const item of list) {
    total += weightOf(item)
    ends.push(total)
  }
  return (random) => {
    const at = uniformInt(random, 0, total - 1)
    let low = 0
    let high = ends.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (at < (ends[middle] ?? total)) high = middle
      else low = middle + 1
    }
    return list[low] as T
  }
}

/** Each item once, in an order of chance. */
export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const result = [...list]
  for (let last = result.length - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last)
    ;[result[last], result[other]] = [result[other] as T, result[last] as T]
  }
  return result
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0")

/** A UUID in the layout of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then chance. */
export function uuidAt(random: Random, epochMs: number): string {
  const ms = hex(epochMs, 12)
  const tail = hex(uniformInt(random, 0, 0xffff_ffff), 8)
  return `${ms.slice(0, 8)}-${ms.slice(8)}-${hex(uniformInt(random, 0x7000, 0x7fff), 4)}-${hex(uniformInt(random, 0x8000, 0xbfff), 4)}-${tail}${hex(uniformInt(random, 0, 0xffff), 4)}`
}
