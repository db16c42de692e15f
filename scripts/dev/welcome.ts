/** What `dev` prints when everything runs: where, as whom, and three commands that work as pasted. */
import { relative } from "node:path"
import { mintDevelopmentToken } from "../../core/auth/development.ts"
import type { AuthConfig } from "../../core/config.ts"
import type { Pool } from "../../core/db.ts"
import type { DemoPeople } from "../demo/people.ts"
import { findDemoPeople } from "../demo/seed.ts"

/** A working day, and a bit. */
const TOKEN_LIFE_S = 12 * 3600
/** A demo doctor has free slots well within this. */
const DAYS_TO_TRY = 21
const DAY_MS = 86_400_000

type Tokens = { patient: string; doctor: string; receptionist: string }
/** `settingsFile` has the addresses that other commands need. */
type Base = { pool: Pool; url: string; auth: AuthConfig; settingsFile: string }

export async function welcome(base: Base): Promise<string[]> {
  const runs = [
    "",
    `PulseCal runs at ${base.url} (REST under /api/v1, to browse at /docs; sockets at /notifications; health at /health)`,
    "",
  ]
  const file = relative(process.cwd(), base.settingsFile)
  const end = ["", `Other commands against what runs here: bun --env-file=${file} run jobs`, "", "Ctrl-C stops everything.", ""]
  if (!base.auth.devTokens) {
    const signIn = base.auth.emulatorHost ? `the Auth emulator at ${base.auth.emulatorHost}` : `the Firebase project ${base.auth.projectId}`
    return [...runs, `Development tokens are off: sign in through ${signIn}.`, ...end]
  }
  const people = await findDemoPeople(base.pool)
  const uid = (role: keyof Tokens) => people?.[role].uid ?? `newcomer-${role}`
  const token = (role: keyof Tokens) =>
    mintDevelopmentToken({ projectId: base.auth.projectId, uid: uid(role), expiresInSeconds: TOKEN_LIFE_S })
  const tokens: Tokens = { patient: token("patient"), doctor: token("doctor"), receptionist: token("receptionist") }
  const commands = people ? await demoCommands(base, tokens, people) : newcomerCommands(base.url, tokens)
  return [
    ...runs,
    people ? "Tokens, valid for 12 hours:" : "There are no demo people in this database. Tokens of three newcomers, valid for 12 hours:",
    `  patient       ${tokens.patient}`,
    `  doctor        ${tokens.doctor}`,
    `  receptionist  ${tokens.receptionist}`,
    ...commands.flatMap(({ what, command }, i) => ["", `${i + 1}. ${what}`, "", command]),
    ...end,
  ]
}

type Command = { what: string; command: string }

async function demoCommands({ pool, url }: Base, tokens: Tokens, people: DemoPeople): Promise<Command[]> {
  const { doctorId } = people.doctor
  const [clinic] = await pool<{ latitude: number; longitude: number }[]>`
    select clinic_latitude as latitude, clinic_longitude as longitude from doctors where id = ${doctorId}`
  const near = `latitude=${clinic?.latitude}&longitude=${clinic?.longitude}&radius=10&limit=5`
  const date = await firstFreeDay(url, doctorId, tokens.patient)
  return [
    { what: "The nearest doctors", command: get(`${url}/api/v1/doctors/search?${near}`, tokens.patient) },
    { what: "The doctor's free slots of a day, and a booking of the first", command: bookFirst(url, tokens.patient, doctorId, date) },
    { what: "The doctor's socket, in a second terminal in this folder; then book again", command: listen(url, tokens.doctor) },
  ]
}

/** The first day on which the doctor can be booked, as the running API says. */
async function firstFreeDay(url: string, doctorId: string, token: string): Promise<string> {
  for (let day = 1; day <= DAYS_TO_TRY; day++) {
    const date = new Date(Date.now() + day * DAY_MS).toISOString().slice(0, 10)
    const answer = await fetch(`${url}/api/v1/doctors/${doctorId}/availability?date=${date}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    if (!answer.ok) throw new Error(`the API does not answer for the demo doctor's ${date}: ${answer.status} ${await answer.text()}`)
    const { slots } = (await answer.json()) as { slots: unknown[] }
    if (slots.length > 0) return date
  }
  return new Date(Date.now() + DAY_MS).toISOString().slice(0, 10)
}

function newcomerCommands(url: string, tokens: Tokens): Command[] {
  const hours = {
    mon: [["09:00", "17:00"]],
    tue: [["09:00", "17:00"]],
    wed: [["09:00", "17:00"]],
    thu: [["09:00", "17:00"]],
    fri: [["09:00", "17:00"]],
  }
  const doctor = {
    name: "Dr Ada Stone",
    specialization: "Cardiology",
    consultationFee: 120,
    clinicName: "Harbour Clinic",
    clinicAddress: "1 Harbour Street",
    city: "Lisbon",
    clinicLatitude: 38.7223,
    clinicLongitude: -9.1393,
    workingHours: hours,
  }
  const near = "latitude=38.72&longitude=-9.14&radius=10"
  const patient = { name: "Sam Reed", city: "Lisbon" }
  return [
    {
      what: "First the doctor makes a profile (POST /doctors)",
      command: post(`${url}/api/v1/doctors`, tokens.doctor, JSON.stringify(doctor)),
    },
    { what: "Then the patient (POST /patients)", command: post(`${url}/api/v1/patients`, tokens.patient, JSON.stringify(patient)) },
    { what: "And finds the doctor", command: get(`${url}/api/v1/doctors/search?${near}`, tokens.patient) },
  ]
}

const get = (url: string, token: string) => `curl -s '${url}' -H 'Authorization: Bearer ${token}'`

const post = (url: string, token: string, body: string) =>
  `curl -s -X POST '${url}' -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '${body}'`

/** One line for any shell: the slots are printed, the first one's start is cut out of them and booked. */
function bookFirst(url: string, token: string, doctorId: string, date: string): string {
  const slots = get(`${url}/api/v1/doctors/${doctorId}/availability?date=${date}`, token)
  const start = `grep -o '"start":"[^"]*"' | head -n 1 | cut -d '"' -f 4`
  const body = `"{\\"doctorId\\":\\"${doctorId}\\",\\"scheduledAt\\":\\"$START\\",\\"reason\\":\\"Check-up\\"}"`
  const book = `curl -s -X POST '${url}/api/v1/appointments' -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d ${body}`
  return `SLOTS=$(${slots}); echo "$SLOTS"; START=$(echo "$SLOTS" | ${start}); ${book}`
}

/** Node is on every machine that got this far, and finds socket.io-client in this folder. */
function listen(url: string, token: string): string {
  const code = [
    `const s = require("socket.io-client")("${url}/notifications", { auth: { token: "${token}" } })`,
    `s.on("connect", () => console.log("listening"))`,
    `s.on("connect_error", (e) => console.log(e.message))`,
    "s.onAny((event, payload, meta) => console.log(event, payload, meta))",
  ].join("; ")
  return `node -e '${code}'`
}
