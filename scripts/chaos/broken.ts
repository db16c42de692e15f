/** Builds that break one promise on purpose, to show that the checker sees it: a copy of the source with named lines changed. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const REPOSITORY = join(import.meta.dir, "..", "..")
const COPIED = ["core", "api", "worker", "realtime", "sql", "package.json", "tsconfig.json"]

/** In `file`, `from` (which stands there exactly once) becomes `to`. */
export type Change = { file: string; from: string; to: string }

export const BROKEN = {
  /** Events of bookings go out first, in a transaction of their own: what is then refused was announced all the same. */
  "publish-before-commit": [
    {
      file: "core/appointments/bookings.ts",
      from: "    const mayBeTaken = performance.now() < this.#rivalsUntil",
      to: "    await insertEvents(this.pool, asked.map((a) => a.event))\n    const mayBeTaken = performance.now() < this.#rivalsUntil",
    },
    {
      file: "core/appointments/bookings.ts",
      from: 'import { Groups, type Waiting } from "../groups.ts"',
      to: 'import { insertEvents } from "../events/queries.ts"\nimport { Groups, type Waiting } from "../groups.ts"',
    },
    {
      file: "core/appointments/queries.ts",
      from: "select event_id, name, subject, rooms, data from done),",
      to: "select event_id, name, subject, rooms, data from done where false),",
    },
  ],
  /** Whoever comes back hears only what is new. */
  "no-replay": [{ file: "realtime/session.ts", from: "    this.#position = arrival.lastOffset\n", to: "    this.#position = undefined\n" }],
  /** Looks whether the time is free, and then takes it; nothing else keeps two from having it. */
  "check-then-insert": [
    {
      file: "sql/0001_init.sql",
      from: "constraint appointments_no_overlap exclude using gist (doctor_id with =, during with &&)\n    where (status in ('PENDING', 'CONFIRMED', 'WAITING', 'IN_PROGRESS'))",
      to: "constraint appointments_no_overlap check (true)",
    },
    {
      file: "core/appointments/queries.ts",
      // What thinks between looking and taking, if only for the time of a glance: the race must be there on a machine that is busy too.
      from: "select distinct hashtextextended(doctor_id::text, 0) as key from asked order by key",
      to: "select hashtextextended(gen_random_uuid()::text || pg_sleep(0.03)::text, 0) as key",
    },
    {
      file: "core/appointments/queries.ts",
      from: `starts, ends), type, reason, at, at from ready
      \${mayBeTaken ? db\`on conflict on constraint appointments_no_overlap do nothing\` : db\`\`}`,
      to: `starts, ends), type, reason, at, at from ready
      where not exists (
        select from appointments x where x.doctor_id = ready.doctor_id and x.during && tstzrange(ready.starts, ready.ends)
          and x.status in ('PENDING', 'CONFIRMED', 'WAITING', 'IN_PROGRESS'))`,
    },
    {
      file: "core/appointments/queries.ts",
      from: `where x.id = \${a.id} and x.version = \${a.version} and`,
      to: `where not exists (
        select from appointments y where y.doctor_id = x.doctor_id and y.id <> x.id and y.during && tstzrange(\${a.start}, \${a.end})
          and y.status in ('PENDING', 'CONFIRMED', 'WAITING', 'IN_PROGRESS')) and x.id = \${a.id} and x.version = \${a.version} and`,
    },
  ],
  /** Nobody who has gone is ever taken out of the search index. */
  "index-keeps": [
    {
      file: "core/doctors/index/follow.ts",
      from: "    else if (row.active) index.upsert(row)\n    else index.remove(",
      to: "    else if (row.active) index.upsert(row)\n    else if (false) index.remove(",
    },
  ],
  /** What is refused leaves no trace. */
  "refusals-unwritten": [{ file: "api/audited.ts", from: "if (outcome) return await recorder.record(", to: "if (outcome) return void (" }],
  /** Some are booked and told that their time is taken; their key is not looked up again. */
  "refuses-what-it-booked": [
    {
      file: "core/appointments/book.ts",
      from: '      case "booked":\n',
      to: '      case "booked":\n        if (slot.start % 10_800_000 === 0) throw await slotTaken(db, doctor, slot)\n',
    },
    {
      file: "core/appointments/book.ts",
      from: "keyed && refusal instanceof Refusal ?",
      to: "false ?",
    },
  ],
  /** Patients are not shown what was called off. */
  "lists-leave-out": [
    {
      file: "core/appointments/queries.ts",
      from: '"patientId" in scope ? db`a.patient_id',
      to: `"patientId" in scope ? db\`a.status <> 'CANCELLED' and a.patient_id`,
    },
  ],
} satisfies Record<string, Change[]>

export type BrokenName = keyof typeof BROKEN
export const NAMES = Object.keys(BROKEN) as BrokenName[]
export const isBroken = (name: string): name is BrokenName => Object.hasOwn(BROKEN, name)

/** The text with the change made. Throws when the line it changes is gone, or there twice: then the build would break nothing. */
export function changed(text: string, { file, from, to }: Change): string {
  const times = text.split(from).length - 1
  if (times !== 1) throw new Error(`${file} has ${times} times what is to be broken there: ${from}`)
  return text.replace(from, () => to)
}

export async function brokenCopy(name: BrokenName): Promise<AsyncDisposable & { root: string }> {
  const root = await mkdtemp(join(tmpdir(), `pulsecal-broken-${name}-`))
  for (const part of COPIED) await cp(join(REPOSITORY, part), join(root, part), { recursive: true })
  await symlink(join(REPOSITORY, "node_modules"), join(root, "node_modules"))
  for (const change of BROKEN[name]) {
    const path = join(root, change.file)
    await writeFile(path, changed(await readFile(path, "utf8"), change))
  }
  return { root, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) }
}
