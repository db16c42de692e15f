import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus"
import type { Random } from "../demo/random.ts"

/** Independent streams of one seed, so that the faults stay the same when the load changes. */
const STREAMS = ["faults", "load", "roaming", "searches"] as const

export function chanceOf(seed: number, stream: (typeof STREAMS)[number]): Random {
  const random = xoroshiro128plus(seed)
  for (let jumps = 0; jumps <= STREAMS.indexOf(stream); jumps++) random.jump()
  return random
}
