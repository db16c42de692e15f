/** Whether a contender finds the same doctors. Nobody is timed who does not. */

import { haversineKm } from "../../../core/doctors/search/haversine.ts"
import type { SearchAnswer } from "../../../core/doctors/search/schema.ts"
import type { ContenderName } from "./contenders.ts"
import { LIMIT, pathOf } from "./peers/question.ts"
import type { Asked } from "./questions.ts"

/**
 * Doctors whose distances differ by less may change places. PulseCal itself must get the order of ties right; Redis keeps places to
 * half a metre, and two doctors' errors add up.
 */
const SLACK_KM: Partial<Record<ContenderName, number>> = { ours: 0, "ours-sql": 0, redis: 0.0025 }
const SLACK_USUAL_KM = 0.00001
/** Answers round to metres. */
const ROUNDING_KM = 0.0005
/** These are asked everything, however long it takes; the others what fits into the time, which warms them up as well. */
const ASKED_EVERYTHING: readonly ContenderName[] = ["ours", "ours-sql", "kdbush"]
/** Twelve seconds, which the report says. */
const SAMPLE_MS = 12_000
const CALLERS = 32
const REQUEST_TIMEOUT_MS = 60_000

export type Agreement = { checked: number; disagreement: string | undefined }

/** Asks by many callers at once, until all or enough agree, or one does not. */
export async function checkAgreement(name: ContenderName, url: string, token: string, asked: readonly Asked[]): Promise<Agreement> {
  const until = ASKED_EVERYTHING.includes(name) ? Number.POSITIVE_INFINITY : performance.now() + SAMPLE_MS
  const questions = asked.values()
  const agreement: Agreement = { checked: 0, disagreement: undefined }
  const ask = async () => {
    for (const one of questions) {
      const fault = await faultAt(url, token, one, SLACK_KM[name] ?? SLACK_USUAL_KM)
      if (fault === undefined) agreement.checked++
      else agreement.disagreement ??= `${pathOf(one.question)}: ${fault}`
      if (agreement.disagreement !== undefined || performance.now() > until) break
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, ask))
  return agreement
}

async function faultAt(url: string, token: string, one: Asked, slackKm: number): Promise<string | undefined> {
  const answer = await fetch(url + pathOf(one.question), {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  })
  if (!answer.ok) return `answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`
  return faultOf((await answer.json()) as SearchAnswer, one, slackKm)
}

/** Whether what we claim to pay for is on: nobody without a token is answered, and the caller's limit is counted. */
export async function guardsOf(url: string, path: string, token: string): Promise<{ token: boolean; limit: boolean }> {
  const [without, known] = await Promise.all([fetch(url + path), fetch(url + path, { headers: { authorization: `Bearer ${token}` } })])
  await Promise.all([without.arrayBuffer(), known.arrayBuffer()])
  return { token: without.status === 401 && known.status === 200, limit: known.headers.has("ratelimit") }
}

/** What is wrong with an answer; undefined if nothing is. */
export function faultOf({ data }: SearchAnswer, { question, ids, km }: Asked, slackKm: number): string | undefined {
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
