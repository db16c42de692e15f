/** What each kind of search costs the index, at a usual radius and at the widest. */
import type { DoctorIndex, IndexedDoctor, NearQuery } from "../../../core/doctors/index/doctor-index.ts"
import { RADIUS_MAX_KM } from "../../../core/doctors/search/schema.ts"
import { randomOf } from "../../demo/random.ts"
import { percentile } from "../environment.ts"
import { kindsOf, questionsOf } from "./kinds.ts"

export const KIND_RADII_KM = [10, RADIUS_MAX_KM]
const QUESTIONS = 200
/** The least of them is the question's: what the machine did meanwhile is in the others, and the longest of all would be its alone. */
const TIMES = 3
const SEED = 3

/** Microseconds of each question, by radius. */
export type KindCost = { what: string; byRadius: number[][] }

export function measureKinds(index: DoctorIndex, world: readonly IndexedDoctor[]): KindCost[] {
  return kindsOf(world).map((kind) => ({
    what: kind.what,
    byRadius: KIND_RADII_KM.map((radiusKm) =>
      questionsOf(kind, world, radiusKm, QUESTIONS, randomOf(SEED, "desk")).map((question) => leastUs(index, question)),
    ),
  }))
}

function leastUs(index: DoctorIndex, question: NearQuery): number {
  let least = Number.POSITIVE_INFINITY
  for (let n = 0; n < TIMES; n++) {
    const started = performance.now()
    index.search(question)
    least = Math.min(least, performance.now() - started)
  }
  return least * 1000
}

export function describeKinds(doctors: number, costs: readonly KindCost[]): string {
  const us = (times: number[]) =>
    [50, 99, 100]
      .map((p) => percentile(times, p))
      .map((n) => (n < 100 ? n.toFixed(1) : Math.round(n).toLocaleString("en")))
      .join(" / ")
  const radii = KIND_RADII_KM.map((km) => `within ${km} km, µs: p50 / p99 / longest`)
  return [
    `| ${doctors.toLocaleString("en")} doctors: asked for beside a place | ${radii.join(" | ")} |`,
    `|---|${KIND_RADII_KM.map(() => "---|").join("")}`,
    ...costs.map(({ what, byRadius }) => `| ${what} | ${byRadius.map(us).join(" | ")} |`),
  ].join("\n")
}
