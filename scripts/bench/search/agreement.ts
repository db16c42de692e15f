/** Whether a contender finds the same doctors. Nobody is timed who does not. */

import { haversineKm } from "../../../core/doctors/search/haversine.ts"
import type { SearchAnswer } from "../../../core/doctors/search/schema.ts"
import { TOTAL_MAX } from "../../../core/pages.ts"
import { CONTENDERS, type ContenderName } from "./contenders.ts"
import { LIMIT, pathOf } from "./peers/question.ts"
import { type Asked, RIM_KM } from "./questions.ts"

/**
 * Doctors whose distances differ by less may change places. PulseCal itself must get the order of ties right; Redis keeps places to
 * half a metre, and two doctors' errors add up.
 */
const SLACK_KM: Partial<Record<ContenderName, number>> = { ours: 0, "ours-sql": 0, redis: 0.0025 }
/** Answers round to metres. */
const ROUNDING_KM = 0.0005
/** These are asked everything, however long it takes; the others what fits into the time, which warms them up as well. */
const ASKED_EVERYTHING: readonly ContenderName[] = ["ours", "ours-sql", "kdbush"]
/** Twelve seconds, which the report says. */
const SAMPLE_MS = 12_000
const CALLERS = 32
const REQUEST_TIMEOUT_MS = 60_000

/** How exact an answer has to be: distances, and whether its total was counted. */
export type Exactness = { slackKm: number; counts: boolean }

export type Agreement = { checked: number; disagreement: string | undefined }

/** Asks by many callers at once, until all or enough agree, or one does not. */
export async function checkAgreement(name: ContenderName, url: string, token: string, asked: readonly Asked[]): Promise<Agreement> {
  const until = ASKED_EVERYTHING.includes(name) ? Number.POSITIVE_INFINITY : performance.now() + SAMPLE_MS
  const exactness = { slackKm: SLACK_KM[name] ?? RIM_KM, counts: CONTENDERS[name].counts }
  const questions = asked.values()
  const agreement: Agreement = { checked: 0, disagreement: undefined }
  const ask = async () => {
    for (const one of questions) {
      const fault = await faultAt(url, token, one, exactness)
      if (fault === undefined) agreement.checked++
      else agreement.disagreement ??= `${pathOf(one.question)}: ${fault}`
      if (agreement.disagreement !== undefined || performance.now() > until) break
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, ask))
  return agreement
}

async function faultAt(url: string, token: string, one: Asked, exactness: Exactness): Promise<string | undefined> {
  const answer = await fetch(url + pathOf(one.question), {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  })
  if (!answer.ok) return `answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`
  return faultOf((await answer.json()) as SearchAnswer, one, exactness)
}

/** Whether what we claim to pay for is on: nobody without a token is answered, and the caller's limit is counted. */
export async function guardsOf(url: string, path: string, token: string): Promise<{ token: boolean; limit: boolean }> {
  const [without, known] = await Promise.all([fetch(url + path), fetch(url + path, { headers: { authorization: `Bearer ${token}` } })])
  await Promise.all([without.arrayBuffer(), known.arrayBuffer()])
  return { token: without.status === 401 && known.status === 200, limit: known.headers.has("ratelimit") }
}

/** What is wrong with an answer; undefined if nothing is. */
export function faultOf(answer: SearchAnswer, asked: Asked, { slackKm, counts }: Exactness): string | undefined {
  return faultOfRows(answer, asked, slackKm) ?? (counts ? faultOfTotal(answer, asked, slackKm) : undefined)
}

function faultOfTotal({ total, totalIsExact }: SearchAnswer, { hits, onRim }: Asked, slackKm: number): string | undefined {
  const slack = slackKm > 0 ? onRim : 0
  // What the answer says of how many there are: this number, or any above.
  const [least, most] = totalIsExact ? [total, total] : [TOTAL_MAX + 1, Number.POSITIVE_INFINITY]
  const isRight = least <= hits + slack && most >= hits - slack && total <= TOTAL_MAX && (totalIsExact || total === TOTAL_MAX)
  return isRight ? undefined : `says ${total} doctors, ${totalIsExact ? "" : "not "}exactly, where there are ${hits}`
}

function faultOfRows({ data }: SearchAnswer, { question, ids, km }: Asked, slackKm: number): string | undefined {
  if (data.length !== LIMIT) return `${data.length} doctors, not ${LIMIT}`
  if (new Set(data.map(({ id }) => id)).size !== LIMIT) return "a doctor comes twice"
  for (const [place, doctor] of data.entries()) {
    const trueKm = haversineKm(question.latitude, question.longitude, doctor.clinicLatitude, doctor.clinicLongitude)
    const expectedKm = km[place] as number
    const isTie = slackKm > 0 && Math.abs(trueKm - expectedKm) <= slackKm
    if (doctor.id !== ids[place] && !isTie)
      return `place ${place + 1} is ${doctor.id} at ${trueKm} km, not ${ids[place]} at ${expectedKm} km`
    if (Math.abs((doctor.distanceKm ?? Number.NaN) - trueKm) > ROUNDING_KM + slackKm || doctor.distanceKm === null)
      return `place ${place + 1} says ${doctor.distanceKm} km and is ${trueKm} km away`
    if (question.specialization !== undefined && doctor.specialization !== question.specialization)
      return `place ${place + 1} is in ${doctor.specialization}`
    if (doctor.consultationFee < (question.minFee ?? 0) || doctor.consultationFee > (question.maxFee ?? Number.POSITIVE_INFINITY))
      return `place ${place + 1} asks ${doctor.consultationFee}`
  }
  return undefined
}
