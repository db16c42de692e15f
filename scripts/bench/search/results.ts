/** What was measured, as plain values that the report and the chart are made from. */
import { median } from "../environment.ts"
import type { ContenderName } from "./contenders.ts"
import type { Load } from "./generator.ts"

export type ContenderResult = {
  name: ContenderName
  loads: Load[]
  /** How many of its answers were compared with the right ones before it was timed. */
  checked: number
  residentMb: number
  loadSeconds: number | undefined
  /** What its `Server-Timing` header said. */
  servedBy: string | undefined
}

export type SizeResult = {
  doctors: number
  /** How many searches the mix has, and how many by radius PulseCal answered rightly before it was timed. */
  asked: { mix: number; byRadius: number }
  contenders: ContenderResult[]
  skipped: { name: ContenderName; reason: string }[]
}

/** Rounds of our endpoint by size or by radius, and of the ceiling between them. */
export type CostResult = { of: number; loads: Load[] }[]

export type Results = {
  machine: string
  generator: string
  rounds: number
  seconds: number
  sizes: SizeResult[]
  bySize: CostResult
  /** The same processes in the same rounds, asked what they must refuse. */
  refused: CostResult
  byRadius: { doctors: number; radii: CostResult }[]
  /** Markdown of parts that ran in processes of their own; undefined where they were left out. */
  indexAlone: string | undefined
  answerCosts: string | undefined
}

export type Spread = { median: number; min: number; max: number }

export function spreadOf(values: readonly number[]): Spread {
  return { median: median([...values]), min: Math.min(...values), max: Math.max(...values) }
}

/** One's rate through the other's, round by round. */
export function ratios(one: readonly Load[], other: readonly Load[]): number[] {
  return one.flatMap(({ perSecond }, round) => {
    const against = other[round]?.perSecond
    return against ? [perSecond / against] : []
  })
}

/** Microseconds of the one process that serves, for each request. */
export const costs = (loads: readonly Load[]) => loads.map(({ perSecond }) => 1e6 / perSecond)
