/** The searches that everybody is asked, each with its right answer, found by looking at every doctor who can be near enough. */
import { createHash } from "node:crypto"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { openPool } from "../../../core/db.ts"
import { haversineKm } from "../../../core/doctors/search/haversine.ts"
import { between, chance, pick, type Random, randomOf } from "../../demo/random.ts"
import type { Say } from "../../services/say.ts"
import { type Columns, loadColumns } from "./columns.ts"
import { LIMIT, type Question } from "./peers/question.ts"
import type { World } from "./worlds.ts"

/**
 * A question with the twenty nearest, nearest first, ties by id; how many there are in all, and how many doctors stand so near the rim
 * that a peer's formula may put them on its other side.
 */
export type Asked = { question: Question; ids: string[]; km: number[]; hits: number; onRim: number }
/** The mix, and for each radius plain questions from the same places. */
export type Questions = { mix: Asked[]; byRadius: { radiusKm: number; asked: Asked[] }[] }

/** So many that no processor's cache holds what they touch at a million. */
const MIX = 4_000
const PLACES = 500
export const RADII_KM = [5, 10, 25, 100, 500]
/** What people ask for: mostly the default. */
const USUAL_RADII_KM = [5, 10, 10, 10, 25, 50]
/** A question with fewer answers is asked with the next radius. */
const WIDER_KM = [5, 10, 25, 50, 100, 250, 500]
/** How far from a clinic somebody asks, in degrees: some two kilometres. */
const ASIDE = 0.02
const SPECIALIZATION_SHARE = 0.6
const FEES_SHARE = 0.4
const SEED = 4
const TRIES_MAX = 1_000_000
/** Less than a degree of latitude has, so that the band is rather too wide. */
const KM_PER_DEGREE = 111
/** A centimetre: distances of two formulas for one sphere differ by less. */
export const RIM_KM = 0.00001

/** Chooses them for a world, or reads those chosen before. */
export async function questionsFor(world: World, folder: string, say: Say): Promise<Questions> {
  const source = createHash("sha256").update(await readFile(import.meta.path))
  const file = join(folder, `questions-${world.doctors}-${world.fingerprint}-${source.digest("hex").slice(0, 8)}.json`)
  if (await Bun.file(file).exists()) return JSON.parse(await readFile(file, "utf8")) as Questions
  say(`choosing questions for the world of ${world.doctors.toLocaleString("en")}`)
  const pool = openPool(world.url, { max: 1, name: "questions", statementTimeoutMs: 0 })
  try {
    const questions = choose(await loadColumns(pool), { mix: MIX, places: PLACES })
    await mkdir(folder, { recursive: true })
    await writeFile(file, JSON.stringify(questions))
    return questions
  } finally {
    await pool.end()
  }
}

/** Only questions that twenty doctors answer: short answers flatter. Throws if the world is too small for that. */
export function choose(columns: Columns, counts: { mix: number; places: number }): Questions {
  const random = randomOf(SEED, "doctors")
  const mix = fillUp(counts.mix, () => usualQuestion(columns, random))
  const nearby = RADII_KM[0] as number
  const places = fillUp(counts.places, () => full(columns, { ...placeNear(columns, random).place, radiusKm: nearby }))
  const byRadius = RADII_KM.map((radiusKm) => ({
    radiusKm,
    asked: places.map(({ question }) => answered(columns, { ...question, radiusKm })),
  }))
  return { mix, byRadius }
}

function fillUp(count: number, next: () => Asked | undefined): Asked[] {
  const list: Asked[] = []
  for (let tries = 0; list.length < count; tries++) {
    if (tries === TRIES_MAX) throw new Error("this world has too few places with twenty doctors")
    const asked = next()
    if (asked) list.push(asked)
  }
  return list
}

type Place = { latitude: number; longitude: number }

/** Beside a doctor of chance: most places are where most doctors are. */
function placeNear(columns: Columns, random: Random): { place: Place; fee: number } {
  const doctor = between(random, 0, columns.ids.length - 1)
  const aside = () => (between(random, -1000, 1000) / 1000) * ASIDE
  const rounded = (degrees: number) => Math.round(degrees * 1e5) / 1e5
  return {
    place: {
      latitude: rounded((columns.latitudes[doctor] as number) + aside()),
      longitude: rounded((columns.longitudes[doctor] as number) + aside()),
    },
    fee: columns.fees[doctor] as number,
  }
}

/** Somebody near a clinic, mostly with a specialization in mind, some with an eye on fees usual there. */
function usualQuestion(columns: Columns, random: Random): Asked | undefined {
  const { place, fee } = placeNear(columns, random)
  const usual = pick(random, USUAL_RADII_KM)
  const specialization = chance(random, SPECIALIZATION_SHARE)
    ? columns.specializations[between(random, 0, columns.ids.length - 1)]
    : undefined
  const fees = chance(random, FEES_SHARE) ? { minFee: Math.floor(fee * 0.5), maxFee: Math.ceil(fee * 1.5) } : {}
  for (const radiusKm of WIDER_KM.filter((km) => km >= usual)) {
    const asked = full(columns, { ...place, radiusKm, specialization, ...fees })
    if (asked) return asked
  }
  return undefined
}

function full(columns: Columns, question: Question): Asked | undefined {
  const asked = answered(columns, question)
  return asked.ids.length === LIMIT ? asked : undefined
}

/** The right answer. */
export function answered(columns: Columns, question: Question): Asked {
  const { radiusKm } = question
  const around = near(columns, question, radiusKm + RIM_KM)
  const hits = around.filter(({ km }) => km <= radiusKm)
  const page = hits.slice(0, LIMIT)
  return {
    question,
    ids: page.map(({ doctor }) => columns.ids[doctor] as string),
    km: page.map(({ km }) => km),
    hits: hits.length,
    onRim: around.filter(({ km }) => km >= radiusKm - RIM_KM).length,
  }
}

type Hit = { doctor: number; km: number }

/** All within so many km that pass the filters, nearest first, ties by id. Looks at every doctor whose latitude allows it. */
function near(
  columns: Columns,
  { latitude, longitude, specialization, minFee = 0, maxFee = Number.POSITIVE_INFINITY }: Question,
  withinKm: number,
) {
  const { ids, latitudes, longitudes, fees, specializations } = columns
  const reach = withinKm / KM_PER_DEGREE
  const hits: Hit[] = []
  for (let doctor = firstFrom(latitudes, latitude - reach); doctor < ids.length; doctor++) {
    const at = latitudes[doctor] as number
    if (at > latitude + reach) break
    if (specialization !== undefined && specializations[doctor] !== specialization) continue
    if ((fees[doctor] as number) < minFee || (fees[doctor] as number) > maxFee) continue
    const km = haversineKm(latitude, longitude, at, longitudes[doctor] as number)
    if (km <= withinKm) hits.push({ doctor, km })
  }
  return hits.sort((a, b) => a.km - b.km || ((ids[a.doctor] as string) < (ids[b.doctor] as string) ? -1 : 1))
}

function firstFrom(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
