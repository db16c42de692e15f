/** A log with a publisher, a world of clinics whose doctors have accounts, and search indexes that follow it. */
import { expect } from "bun:test"
import { TestLog, type TestPublisher } from "../../../tests/harness/event-log.ts"
import { until } from "../../../tests/harness/services.ts"
import { openPool, type Pool } from "../../db.ts"
import { type Log, openLog } from "../../log.ts"
import { LIMIT_MAX, OFFSET_MAX } from "../../pages.ts"
import type { AnswerBounds } from "../../pg-silence.ts"
import { openRedis } from "../../redis.ts"
import { changeDoctor } from "../change.ts"
import { onboardDoctor } from "../onboard.ts"
import type { ChangeDoctor } from "../schema.ts"
import { cellsOf } from "../search/cells.ts"
import { RADIUS_MAX_KM, type SearchQuery } from "../search/schema.ts"
import { searchDoctors } from "../search/search.ts"
import type { NearQuery } from "./doctor-index.ts"
import { checksumOfTable, loadIndex } from "./load.ts"
import { SearchIndexService } from "./service.ts"

export const quiet = openLog("test", "silent")
export const DOCTORS_PER_CLINIC = 5
export type StageDoctor = { id: string; uid: string; clinicId: string }
export type StageIndex = { service: SearchIndexService; name: string }

/** A follower may take a second to notice that the stream has gone silent on it, a loading a moment; the rest is the machine's noise. */
const SAME_WITHIN_MS = 10_000

/** Doctors whose neighbourhoods are looked at when an index is held against a fresh one. */
const ASKED_ABOUT = 4
/** Of a list that has most of those that were gone through already. */
const PART_PAGES = 5
const NO_ROWS = '{"data":[],'
type Sampled = { latitude: number; longitude: number; specialization: string; city: string; fee: number; name: string }

export class SearchStage implements AsyncDisposable {
  readonly #services: SearchIndexService[] = []

  private constructor(
    readonly log: TestLog,
    readonly publisher: TestPublisher,
    readonly doctors: StageDoctor[],
  ) {}

  static async open({ doctors, streamMaxEvents }: { doctors: number; streamMaxEvents?: number }): Promise<SearchStage> {
    const log = await TestLog.open({ streamMaxEvents })
    return new SearchStage(log, await log.publisher(), await insertWorld(log.pool, doctors))
  }

  get pool(): Pool {
    return this.log.pool
  }

  /** Begins to load. `name` is what its database session is called. */
  start(options: { maxMb?: number; log?: Log; name?: string; url?: string; answerBounds?: AnswerBounds } = {}): SearchIndexService {
    const { maxMb = 1024, log = quiet, name = "search", url = this.log.database.url, answerBounds } = options
    const service = new SearchIndexService({
      maxMb,
      log,
      answerBounds,
      openPool: () => openPool(url, { max: 1, name }),
      openRedis: () => openRedis(this.log.server.config, { name, blocking: true }),
    })
    this.#services.push(service)
    service.start()
    return service
  }

  async ready(options: Parameters<SearchStage["start"]>[0] = {}): Promise<SearchIndexService> {
    const service = this.start(options)
    await until("the index is ready", () => service.state === "ready", SAME_WITHIN_MS)
    return service
  }

  /** A doctor changes their own profile, as over REST. */
  async change(doctor: StageDoctor, change: ChangeDoctor): Promise<void> {
    await changeDoctor(this.pool, doctor, change)
    this.publisher.publisher.nudge()
  }

  async onboard(uid: string, place: { latitude: number; longitude: number }): Promise<void> {
    const input = { ...NEWCOMER, clinicLatitude: place.latitude, clinicLongitude: place.longitude }
    await this.pool.begin((tx) => onboardDoctor(tx, uid, input))
    this.publisher.publisher.nudge()
  }

  /** Each doctor becomes so many, each new one announced. */
  async multiply(times: number): Promise<void> {
    await this.pool`
      with copies as (
        insert into doctors (id, clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency, clinic_name,
          clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8, services, working_hours, timezone)
        select gen_random_uuid(), clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency, clinic_name,
          clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8, services, working_hours, timezone
        from doctors cross join generate_series(2, ${times}::int)
        returning id)
      insert into events (id, name, subject, rooms, data)
      select gen_random_uuid(), 'doctor:changed', 'doctor:' || id, '{}', jsonb_build_object('doctorId', id, 'version', 1) from copies`
    await this.publisher.publisher.sweep()
  }

  async checksum(): Promise<bigint> {
    return await checksumOfTable(this.pool, new AbortController().signal)
  }

  /** All that is committed is published, and each index comes to be the table: it holds and answers what one does that is loaded now. */
  async expectSame(...services: SearchIndexService[]): Promise<void> {
    await this.publisher.publisher.sweep()
    const table = await this.checksum()
    for (const [i, service] of services.entries())
      await until(`index ${i} is the table`, () => service.state === "ready" && service.checksum() === table, SAME_WITHIN_MS)
    const fresh = await loadIndex({ pool: this.pool, maxBytes: Number.MAX_SAFE_INTEGER, signal: new AbortController().signal })
    expect(fresh.index.checksum()).toBe(table)
    for (const service of services) expect(service.doctors).toBe(fresh.index.size)
    for (const { pagesMax, ...query } of await this.#questions())
      for (let page = 1; page <= pagesMax; page++) {
        const asked = { ...query, page, limit: LIMIT_MAX }
        const wanted = Buffer.from(fresh.index.search(asked)).toString()
        for (const service of services) expectText(asked, Buffer.from((await searchWhole(service, asked)) ?? "").toString(), wanted)
        if (wanted.startsWith(NO_ROWS)) break
      }
  }

  /** About everyone near, page by page, and by each thing that an index keeps apart from what the checksum is of. */
  async #questions(): Promise<(Omit<NearQuery, "page" | "limit"> & { pagesMax: number })[]> {
    const [first, ...others] = await this.pool<Sampled[]>`
      select clinic_latitude as latitude, clinic_longitude as longitude, specialization, city, consultation_fee as fee, left(name_fold, 5) as name
      from doctors where active order by md5(id::text) limit ${ASKED_ABOUT}`
    const near = { ...placeOf(0), radius: RADIUS_MAX_KM, pagesMax: OFFSET_MAX / LIMIT_MAX }
    if (!first) return [near]
    const questions = [first, ...others].flatMap(({ latitude, longitude, specialization, city, fee, name }) => {
      const at = { latitude, longitude, radius: RADIUS_MAX_KM, pagesMax: 2 }
      return [at, { ...at, specialization }, { ...at, minFee: fee, maxFee: fee }, { ...at, city }, { ...at, name }]
    })
    const part = { ...near, pagesMax: PART_PAGES }
    return [near, { ...part, specialization: first.specialization }, { ...part, maxFee: first.fee }, ...questions]
  }

  /** The index answers what SQL does, to the byte. */
  async expectAnswer(service: SearchIndexService, query: Partial<SearchQuery>): Promise<string> {
    const whole: SearchQuery = { radius: 10, page: 1, limit: 20, ...query }
    const text = new TextDecoder().decode(await searchWhole(service, whole))
    expect(text).toBe(JSON.stringify(await searchDoctors(this.pool, whole)))
    return text
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#services.map((service) => service.close()))
    await this.log[Symbol.asyncDispose]()
  }
}

/** However long it takes. */
export async function searchWhole(service: SearchIndexService, query: SearchQuery): Promise<Uint8Array | undefined> {
  const found = service.search(query)
  return typeof found === "function" ? await found() : found
}

/** Long texts are compared as texts only where they differ. */
function expectText(asked: object, got: string, wanted: string): void {
  if (got !== wanted) expect({ asked, got }).toEqual({ asked, got: wanted })
}

const NEWCOMER = {
  name: "Noor Newcomer",
  specialization: "Pediatrics",
  consultationFee: 80,
  clinicName: "New clinic",
  clinicAddress: "2 New Street",
  city: "Newtown",
  workingHours: {},
}

/** Clinic number i is at 48 + i/1000 degrees north, so that neighbours are neighbours and places are told apart. */
export const placeOf = (clinic: number) => ({ latitude: 48 + clinic / 1000, longitude: 16 })

async function insertWorld(pool: Pool, count: number): Promise<StageDoctor[]> {
  const clinics = Array.from({ length: Math.ceil(count / DOCTORS_PER_CLINIC) }, (_, i) => {
    const { h3R4, h3R6, h3R8 } = cellsOf(placeOf(i).latitude, placeOf(i).longitude)
    return { id: Bun.randomUUIDv7(), name: `Clinic ${i}`, ...placeOf(i), h3R4, h3R6, h3R8 }
  })
  const doctors = Array.from({ length: count }, (_, i) => ({
    id: Bun.randomUUIDv7(),
    uid: `uid-${i}`,
    clinicId: clinics[Math.floor(i / DOCTORS_PER_CLINIC)]?.id as string,
    name: `Doctor "${i}" \\ Ünïcode 𝔸`,
  }))
  await pool`
    insert into clinics (id, name, address, city, city_key, latitude, longitude, timezone, verification_code)
    select id, name, '1 Main Street', 'Vienna', 'vienna', latitude, longitude, 'Europe/Vienna', 'CODE'
    from jsonb_to_recordset(${pool.json(clinics)}) as c (id uuid, name text, latitude float8, longitude float8)`
  await pool`insert into accounts (uid, role) select 'uid-' || i, 'DOCTOR' from generate_series(0, ${count}::int - 1) i`
  await pool`
    insert into doctors (id, uid, clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency, clinic_name,
      clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8, services, working_hours, timezone)
    select d.id, d.uid, c.id, d.name, lower(d.name), 'Cardiology', 'cardiology', 100, 'EUR', c.name, lower(c.name), '1 Main Street', 'Vienna',
      'vienna', c.latitude, c.longitude, c."h3R4", c."h3R6", c."h3R8", '{ECG,"Check, up","with \\"quotes\\""}', '{}', 'Europe/Vienna'
    from jsonb_to_recordset(${pool.json(doctors)}) as d (id uuid, uid text, "clinicId" uuid, name text)
    join jsonb_to_recordset(${pool.json(clinics)}) as c (id uuid, name text, latitude float8, longitude float8, "h3R4" int8, "h3R6" int8, "h3R8" int8)
      on c.id = d."clinicId"`
  return doctors.map(({ id, uid, clinicId }) => ({ id, uid, clinicId }))
}

/** Changes each of the first doctors once, ten at a time. */
export async function changeMany(stage: SearchStage, count: number, fee: number): Promise<void> {
  const change = async (from: number) => {
    for (let i = from; i < count; i += 10)
      await stage.change(stage.doctors[i % stage.doctors.length] as StageDoctor, { consultationFee: fee + i })
  }
  await Promise.all(Array.from({ length: 10 }, (_, i) => change(i)))
}

/** Nobody reads or writes a doctor until it is released, so an index that has heard of a change stands still. */
export async function holdDoctors(stage: SearchStage) {
  const session = stage.log.session()
  // The driver hands out a session only once it is open.
  await session`select 1`
  const tx = await session.reserve()
  await tx`begin`
  await tx`lock table doctors in access exclusive mode`
  let held = true
  const release = async () => {
    if (!held) return
    held = false
    await tx`commit`
    tx.release()
  }
  return { tx, release, [Symbol.asyncDispose]: release }
}
