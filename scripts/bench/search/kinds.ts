/** Kinds of searches, by what they ask for beside a place: a name, a clinic, a city, fees, a page far down. */
import type { IndexedDoctor, NearQuery } from "../../../core/doctors/index/doctor-index.ts"
import { LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX } from "../../../core/pages.ts"
import { pick, type Random } from "../../demo/random.ts"

type Asked = Omit<Partial<NearQuery>, "latitude" | "longitude" | "radius">
/** What somebody asks for who knows of the doctor. */
export type Kind = { what: string; of: (doctor: IndexedDoctor) => Asked }

/** Shorter words are initials, titles and particles. */
const WORD_MIN = 3
const WORDS = /\p{L}+/gu
/** Fees are whole numbers of something larger. */
const NOBODYS_FEE = 0.01

export function kindsOf(world: readonly IndexedDoctor[]): Kind[] {
  const bearers = bearersOf(world)
  const commonest = ({ name }: IndexedDoctor) => wordsOf(name).toSorted((a, b) => (bearers.get(b) ?? 0) - (bearers.get(a) ?? 0))[0] ?? name
  const last = { page: OFFSET_MAX / LIMIT_MAX, limit: LIMIT_MAX }
  return [
    { what: "nothing else", of: () => ({}) },
    { what: "a specialization", of: ({ specialization }) => ({ specialization }) },
    { what: "a whole name", of: ({ name }) => ({ name }) },
    { what: "the commonest word of a name", of: (doctor) => ({ name: commonest(doctor) }) },
    { what: "a clinic's whole name", of: ({ clinicName }) => ({ clinicName }) },
    { what: "a city", of: ({ city }) => ({ city }) },
    { what: "a misspelt name", of: ({ name }) => ({ name: misspelt(name) }) },
    // Many names have all its letters and pairs of letters, and so pass the sieve of signatures.
    { what: "`ananan`, which nobody is called", of: () => ({ name: "ananan" }) },
    { what: "a fee that nobody asks", of: () => ({ maxFee: NOBODYS_FEE }) },
    { what: "a specialization and a whole name", of: ({ specialization, name }) => ({ specialization, name }) },
    { what: `page ${last.page} of ${last.limit} each`, of: () => last },
    { what: "… of a specialization", of: ({ specialization }) => ({ ...last, specialization }) },
  ]
}

/** Of one kind: where doctors of chance are, about them. */
export function questionsOf({ of }: Kind, world: readonly IndexedDoctor[], radius: number, count: number, random: Random): NearQuery[] {
  return Array.from({ length: count }, () => {
    const doctor = pick(random, world)
    return { latitude: doctor.clinicLatitude, longitude: doctor.clinicLongitude, radius, page: 1, limit: LIMIT_DEFAULT, ...of(doctor) }
  })
}

const wordsOf = (name: string) => (name.match(WORDS) ?? []).filter(({ length }) => length >= WORD_MIN)

function bearersOf(world: readonly IndexedDoctor[]): Map<string, number> {
  const bearers = new Map<string, number>()
  for (const { name } of world) for (const word of wordsOf(name)) bearers.set(word, (bearers.get(word) ?? 0) + 1)
  return bearers
}

/** With the last two letters of its last word the other way round, or a letter too many where they are the same. */
function misspelt(name: string): string {
  const [before, one, other] = [name.slice(0, -2), name.at(-2) ?? "", name.at(-1) ?? ""]
  return one === other ? `${name}${other}` : `${before}${other}${one}`
}
