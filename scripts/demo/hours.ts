/** Weeks of work as practices around the world keep them. */
import type { WorkingHours, WorkingInterval } from "../../core/doctors/schedule/working-hours.ts"
import { chance, pick, type Random, weighted } from "./random.ts"
import type { Break, Country, Week } from "./world.ts"

type Day = keyof WorkingHours
const DAYS: readonly Day[] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

const WORKING_DAYS: Record<Week, readonly Day[]> = {
  "mon-fri": ["mon", "tue", "wed", "thu", "fri"],
  "sun-thu": ["mon", "tue", "wed", "thu", "sun"],
  "sat-thu": ["mon", "tue", "wed", "thu", "sat", "sun"],
  "sat-wed": ["mon", "tue", "wed", "sat", "sun"],
  "sun-fri": ["mon", "tue", "wed", "thu", "fri", "sun"],
}
/** The day on which many work half. */
const HALF_DAY: Partial<Record<Week, Day>> = { "mon-fri": "sat", "sun-thu": "sat", "sat-wed": "thu" }
const HALF_DAY_SHARE = 0.35
const DAY_OFF_SHARE = 0.2
const PART_TIME_DAYS = 3

type Pattern = Break | "mornings" | "evenings" | "nights" | "always" | "local"
/** Six in ten keep the hours of their country. */
const pickPattern = weighted<{ pattern: Pattern; weight: number }>(
  [
    { pattern: "local", weight: 600 },
    { pattern: "none", weight: 170 },
    { pattern: "lunch", weight: 120 },
    { pattern: "mornings", weight: 60 },
    { pattern: "evenings", weight: 30 },
    { pattern: "nights", weight: 12 },
    { pattern: "always", weight: 8 },
  ],
  ({ weight }) => weight,
)

function intervals(random: Random, pattern: Exclude<Pattern, "local">): WorkingInterval[] {
  switch (pattern) {
    case "none":
      return [[pick(random, ["07:00", "07:30", "08:00", "08:30", "09:00"]), pick(random, ["15:00", "16:00", "16:30", "17:00", "18:00"])]]
    case "lunch":
      return [
        [pick(random, ["07:30", "08:00", "08:30", "09:00"]), pick(random, ["12:00", "12:30", "13:00"])],
        [pick(random, ["13:30", "14:00", "14:30"]), pick(random, ["17:00", "17:30", "18:00", "19:00"])],
      ]
    case "siesta":
      return [
        [pick(random, ["08:30", "09:00", "09:30", "10:00"]), pick(random, ["13:00", "13:30", "14:00"])],
        [pick(random, ["16:00", "16:30", "17:00"]), pick(random, ["19:30", "20:00", "20:30", "21:00"])],
      ]
    case "evening":
      return [
        [pick(random, ["09:30", "10:00", "10:30"]), pick(random, ["12:30", "13:00", "13:30"])],
        [pick(random, ["17:00", "17:30", "18:00"]), pick(random, ["20:30", "21:00", "21:30"])],
      ]
    case "mornings":
      return [[pick(random, ["08:00", "08:30", "09:00"]), pick(random, ["12:00", "12:30", "13:00"])]]
    case "evenings":
      return [[pick(random, ["15:00", "16:00", "16:30"]), pick(random, ["20:00", "21:00", "22:00"])]]
    case "nights":
      // A night is the end of one day and the beginning of the next.
      return [
        ["00:00", pick(random, ["06:00", "07:00"])],
        [pick(random, ["19:00", "20:00", "22:00"]), "24:00"],
      ]
    case "always":
      return [["00:00", "24:00"]]
  }
}

/** A week as the contract writes it: closed days are left out. */
export function workingHours(random: Random, country: Country): WorkingHours {
  const { pattern } = pickPattern(random)
  const hours = intervals(random, pattern === "local" ? country.break : pattern)
  const days = pattern === "always" || pattern === "nights" ? DAYS : daysOf(random, country, pattern === "mornings")
  const half = HALF_DAY[country.week]
  const week: WorkingHours = {}
  for (const day of DAYS) if (days.includes(day)) week[day] = hours
  if (half && week[half] === undefined && chance(random, HALF_DAY_SHARE)) week[half] = [["09:00", pick(random, ["12:00", "13:00"])]]
  return week
}

function daysOf(random: Random, country: Country, partTime: boolean): readonly Day[] {
  const days = WORKING_DAYS[country.week]
  if (partTime) return days.filter((_, index) => index % 2 === 0).slice(0, PART_TIME_DAYS)
  if (!chance(random, DAY_OFF_SHARE)) return days
  const off = pick(random, days)
  return days.filter((day) => day !== off)
}
