/** Realtime processes in this process, a log to follow, people, and sockets that write down what they hear. */
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import { readConfig } from "../../core/config.ts"
import { openPool, type Pool } from "../../core/db.ts"
import type { Event } from "../../core/events/catalog.ts"
import { announce } from "../../core/events/log.ts"
import { Publisher } from "../../core/events/publisher.ts"
import { openLog } from "../../core/log.ts"
import { createPatient } from "../../core/patients/profile.ts"
import { openRedis } from "../../core/redis.ts"
import { caseKey } from "../../core/text.ts"
import { type Realtime, type RealtimeTuning, startRealtime } from "../../realtime/server.ts"
import { testDatabase, testRedis, until } from "./services.ts"

export const PROJECT = "demo-pulsecal"

export type Heard = { name: string; data: Record<string, unknown>; meta: { id: string; offset: number; occurredAt: string } }
type Gap = { from: number; to: number }

/** A socket and its diary. */
export type Listening = {
  socket: Socket
  heard: Heard[]
  ready: number[]
  gaps: Gap[]
  expired: number
  disconnects: string[]
  errors: string[]
}

export type ClientOptions = Partial<ManagerOptions & SocketOptions> & { token?: string; uid?: string; lastOffset?: unknown }

export const tokenOf = (uid: string, expiresInSeconds = 3600) => mintDevelopmentToken({ projectId: PROJECT, uid, expiresInSeconds })

/** Connects as `uid`, or with exactly the handshake `auth` given in the options. */
export function listen(url: string, { token, uid, lastOffset, ...options }: ClientOptions): Listening {
  const socket = io(`${url}/notifications`, {
    forceNew: true,
    reconnection: false,
    transports: ["websocket"],
    auth: { token: token ?? (uid === undefined ? undefined : tokenOf(uid)), lastOffset },
    ...options,
  })
  const diary: Listening = { socket, heard: [], ready: [], gaps: [], expired: 0, disconnects: [], errors: [] }
  socket.on("stream:ready", ({ offset }: { offset: number }) => diary.ready.push(offset))
  socket.on("stream:gap", (gap: Gap) => diary.gaps.push(gap))
  socket.on("auth:expired", () => diary.expired++)
  socket.on("disconnect", (reason) => diary.disconnects.push(reason))
  socket.on("connect_error", (error) => diary.errors.push(error.message))
  socket.onAny((name: string, data: Heard["data"], meta?: Heard["meta"]) => {
    if (meta?.offset !== undefined) diary.heard.push({ name, data, meta })
  })
  return diary
}

export const offsetsOf = (diary: Listening) => diary.heard.map((h) => h.meta.offset)

/** Resolves when the socket has been caught up. */
export async function listening(url: string, options: ClientOptions): Promise<Listening> {
  const diary = listen(url, options)
  await until(`the socket is ready (${diary.errors})`, () => diary.ready.length > 0)
  return diary
}

export type TestStage = AsyncDisposable & Awaited<ReturnType<typeof openStage>>

/** A database, a Redis, a publisher; realtime processes are started on it as a test needs them. */
export async function testStage(): Promise<TestStage> {
  const stage = await openStage()
  return Object.assign(stage, { [Symbol.asyncDispose]: stage.close })
}

async function openStage() {
  const database = await testDatabase()
  const redis = await testRedis()
  const log = openLog("test", "silent")
  const session = openPool(database.url, { max: 1, name: "publisher" })
  const redisClient = openRedis(redis.config, { name: "publisher" })
  const publisher = new Publisher({ session, redis: redisClient, log, streamMaxEvents: 100_000 })
  const running = new Set<Realtime>()
  const { pool } = database

  const settings = {
    NODE_ENV: "test",
    PORT: "0",
    HOST: "127.0.0.1",
    DATABASE_URL: database.url,
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "silent",
  }

  async function start(tuning: RealtimeTuning = {}, more: Record<string, string> = {}): Promise<Realtime> {
    const config = readConfig({ ...settings, ...more })
    const realtime = startRealtime(config, openLog("realtime", process.env.TEST_LOG ?? "silent"), tuning)
    await until("realtime is ready", () => realtime.health.phase === "ready")
    running.add(realtime)
    return {
      ...realtime,
      async stop() {
        running.delete(realtime)
        await realtime.stop()
      },
    }
  }

  return {
    database,
    redis,
    pool,
    publisher,
    /** Environment variables for a process of this stage. */
    settings,
    start,
    /** Announces and publishes; resolves when the events have their offsets. */
    async tell(...events: Event[]): Promise<void> {
      await announce(pool, ...events)
      await publisher.sweep()
    },
    ...peopleOf(pool, publisher),
    async close(): Promise<void> {
      await publisher.close()
      await Promise.all([...running].map((r) => r.stop()))
      await session.end()
      redisClient.disconnect()
      await redis[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** People with the rows, and the events, that they have after signing up. */
function peopleOf(pool: Pool, publisher: Publisher) {
  return {
    async patient(city: string | null = null): Promise<{ uid: string; patientId: string }> {
      const uid = `patient-${Bun.randomUUIDv7()}`
      const { id } = await pool.begin((tx) => createPatient(tx, uid, { name: "Pat Jones", city }))
      await publisher.sweep()
      return { uid, patientId: id }
    },
    async doctor(city = "Springfield", uid = `doctor-${Bun.randomUUIDv7()}`): Promise<{ uid: string; doctorId: string; clinicId: string }> {
      const ids = await insertDoctor(pool, uid, city)
      await publisher.sweep()
      return { uid, ...ids }
    },
    async receptionist(clinicId: string, status = "ACTIVE"): Promise<{ uid: string }> {
      const uid = `desk-${Bun.randomUUIDv7()}`
      await pool`insert into accounts (uid, role) values (${uid}, 'RECEPTIONIST')`
      await pool`insert into receptionists (id, uid, clinic_id, status) values (${Bun.randomUUIDv7()}, ${uid}, ${clinicId}, ${status})`
      return { uid }
    },
  }
}

/** The rows of a doctor with a clinic, and the events that go with them. */
async function insertDoctor(pool: Pool, uid: string, city: string): Promise<{ doctorId: string; clinicId: string }> {
  const [doctorId, clinicId] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()]
  await pool.begin(async (tx) => {
    await tx`insert into accounts (uid, role) values (${uid}, 'DOCTOR')`
    await tx`
      insert into clinics (id, name, address, city, city_key, latitude, longitude, timezone, verification_code)
      values (${clinicId}, 'Harbour', '1 Water Street', ${city}, ${caseKey(city)}, 1, 1, 'UTC', 'code')`
    await tx`
      insert into doctors (id, uid, clinic_id, name, name_fold, specialization, specialization_key, consultation_fee, currency,
        clinic_name, clinic_name_fold, clinic_address, city, city_key, clinic_latitude, clinic_longitude, h3_r4, h3_r6, h3_r8,
        working_hours, timezone)
      values (${doctorId}, ${uid}, ${clinicId}, 'Ada', 'ada', 'Cardiology', 'cardiology', 150, 'USD', 'Harbour', 'harbour',
        '1 Water Street', ${city}, ${caseKey(city)}, 1, 1, 1, 1, 1, '{}', 'UTC')`
    await announce(
      tx,
      { name: "access:changed", data: { uid }, about: { uid } },
      { name: "doctor:new", data: { doctorId, city }, about: { city } },
    )
  })
  return { doctorId, clinicId }
}

const NOBODY = "00000000-0000-7000-8000-000000000000"

/** News of some appointment for this doctor and this clinic's desk. */
export function appointmentNew({ doctorId, clinicId, reason }: { doctorId?: string; clinicId?: string; reason: string }): Event {
  return {
    name: "appointment:new",
    data: { appointmentId: Bun.randomUUIDv7(), patientName: "Pat", scheduledAt: "2030-01-01T10:00:00Z", reason },
    about: { doctorId: doctorId ?? NOBODY, clinicId: clinicId ?? NOBODY },
  }
}

/** An update of some appointment of these people. */
export function appointmentUpdate(about: { doctorId?: string; patientId?: string; clinicId?: string }): Event {
  return {
    name: "appointment:update",
    data: { appointmentId: Bun.randomUUIDv7(), status: "CONFIRMED", scheduledAt: "2030-01-01T10:00:00Z" },
    about: { doctorId: about.doctorId ?? NOBODY, patientId: about.patientId ?? NOBODY, clinicId: about.clinicId ?? NOBODY },
  }
}
