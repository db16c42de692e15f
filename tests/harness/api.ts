/** A whole API on a port of its own, in this process, with a database and a Redis of its own; and people to call it. */

import { type ClientResponse, hc } from "hono/client"
import type { App } from "../../api/app.ts"
import { startApi } from "../../api/server.ts"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import { readConfig } from "../../core/config.ts"
import { openLog } from "../../core/log.ts"
import { requireDescribed } from "./described.ts"
import { type TestDatabase, type TestRedis, testDatabase, testRedis, until } from "./services.ts"

export const PROJECT = "demo-pulsecal"

export type TestApi = AsyncDisposable & {
  url: string
  database: TestDatabase
  redis: TestRedis
  /** Where its metrics are, if it was given a port for them. */
  metricsPort?: number
  person: (uid?: string) => Person
}

/** Starts the API; `settings` are environment variables on top of the test's own, `parameters` those of its sessions in Postgres. */
export async function testApi(
  settings: Record<string, string> = {},
  parameters: Record<string, string> = {},
): Promise<TestApi & { app: App }> {
  const database = await testDatabase()
  const redis = await testRedis()
  const config = readConfig({
    NODE_ENV: "test",
    PORT: "0",
    DATABASE_URL: `${database.url}?${new URLSearchParams(parameters)}`,
    REDIS_HOST: redis.config.host,
    REDIS_PORT: String(redis.config.port),
    AUTH_DEV_TOKENS: "1",
    LOG_LEVEL: "silent",
    ...settings,
  })
  const api = startApi({ ...config, host: "127.0.0.1" }, openLog("api", config.logLevel))
  await until("the API is ready", () => api.health.phase === "ready")
  return {
    url: api.url,
    app: api.app,
    database,
    redis,
    metricsPort: api.metricsPort,
    person: (uid = `uid-${Bun.randomUUIDv7()}`) => person(api.url, uid),
    async [Symbol.asyncDispose]() {
      await api.stop()
      await redis[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads answers of many shapes and asserts on each.
export type Answer = { status: number; headers: Headers; body: any }

export type Person = {
  uid: string
  token: string
  /** The typed client: what it sends and gets is checked when the test is compiled. */
  client: ReturnType<typeof clientOf>
  get: (path: string) => Promise<Answer>
  post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Answer>
  put: (path: string, body: unknown) => Promise<Answer>
  patch: (path: string, body: unknown) => Promise<Answer>
}

/** Someone with a development token who calls the API at `url`. */
export function person(url: string, uid: string): Person {
  const token = mintDevelopmentToken({ projectId: PROJECT, uid, expiresInSeconds: 3600 })
  const call =
    (method: string) =>
    (path: string, body?: unknown, headers: Record<string, string> = {}) =>
      request(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
      })
  return { uid, token, client: clientOf(url, token), get: call("GET"), post: call("POST"), put: call("PUT"), patch: call("PATCH") }
}

/** What the call answered, of the type that the API says; fails unless it succeeded. */
export async function got<R extends ClientResponse<unknown>>(call: Promise<R>): Promise<Awaited<ReturnType<R["json"]>>> {
  const response = await call
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
  return (await response.json()) as Awaited<ReturnType<R["json"]>>
}

/** The API's own type, called. */
function clientOf(url: string, token: string) {
  const fetch = (input: string | URL | Request, init?: RequestInit) => fetchDescribed(String(input), init)
  return hc<App>(url, { headers: { authorization: `Bearer ${token}` }, fetch }).api.v1
}

/** Calls, and holds the answer against the server's own description. */
export async function request(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetchDescribed(url, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) }
}

/** As `fetch`; throws if the server's own description does not say that it may answer so. */
export async function fetchDescribed(url: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  const contentType = response.headers.get("content-type")
  const text = await response.clone().text()
  const body = text === "" ? undefined : contentType?.includes("json") ? JSON.parse(text) : text
  await requireDescribed(init?.method ?? "GET", url, { status: response.status, contentType, body })
  return response
}

/** Open around the clock, in half-hours, in New York. */
const day: [string, string][] = [["00:00", "24:00"]]
export const doctorInput = {
  name: "Dr. Ada Osei",
  specialization: "Cardiology",
  consultationFee: 150,
  clinicName: "Harbour Clinic",
  clinicAddress: "1 Water Street",
  city: "New York",
  clinicLatitude: 40.7033,
  clinicLongitude: -74.0105,
  services: ["ECG"],
  workingHours: { mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day },
  timezone: "America/New_York",
}

/** Onboards a doctor and a patient; `start` is a slot some days ahead that is free. */
export async function clinicOf(api: TestApi) {
  const doctor = api.person()
  const patient = api.person()
  const profile = (await doctor.post("/doctors", doctorInput)).body
  const self = (await patient.post("/patients", { name: "Pat Jones", city: "new york" })).body
  const day = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10)
  const slots: { start: string; end: string }[] = (await patient.get(`/doctors/${profile.id}/availability?date=${day}`)).body.slots
  return {
    doctor,
    patient,
    doctorId: profile.id as string,
    clinicId: profile.clinicId as string,
    patientId: self.id as string,
    profile,
    slots,
  }
}

/** An active receptionist of the clinic. */
export async function receptionistOf(api: TestApi, clinicId: string, status = "ACTIVE"): Promise<Person> {
  const someone = api.person()
  await api.database.pool`insert into accounts (uid, role) values (${someone.uid}, 'RECEPTIONIST')`
  await api.database.pool`
    insert into receptionists (id, uid, clinic_id, name, status) values (${Bun.randomUUIDv7()}, ${someone.uid}, ${clinicId}, 'Rae', ${status})`
  return someone
}
