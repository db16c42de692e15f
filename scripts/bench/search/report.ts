/** The figures as Markdown. */
import { CONTENDERS } from "./contenders.ts"
import type { Load } from "./generator.ts"
import { type ContenderResult, type CostResult, costs, type Results, ratios, type SizeResult, type Spread, spreadOf } from "./results.ts"

const whole = (value: number) => Math.round(value).toLocaleString("en")
/** Three digits that count, of however large a number. */
const three = (value: number) => (value >= 100 ? whole(value) : Number(value.toPrecision(3)).toString())
const shown = ({ median, min, max }: Spread, format: (value: number) => string) => `${format(median)} (${format(min)}–${format(max)})`
const orDash = (value: number | undefined, format: (value: number) => string) => (value === undefined ? "–" : format(value))

export function report(results: Results): string {
  const { machine, generator, rounds, seconds } = results
  const intro = `${machine}. Loaded with ${generator}; ${rounds} rounds of ${seconds} s each in turns: median (lowest–highest), ratios round by round.
The peers run on Hono and Bun as well and are spared the token, validation, limits and metrics; they count no \`total\` unless it is said. MB: the
process that serves, with its Redis and without its Postgres.`
  const parts = [intro, ...results.sizes.map(sizeTable)]
  if (results.bySize.length > 0) parts.push(costTable("doctors", results.bySize), badInputTable(results))
  for (const { doctors, radii } of results.byRadius)
    if (radii.length > 0) parts.push(costTable(`radius in km, ${whole(doctors)} doctors`, radii))
  return parts.join("\n\n")
}

function sizeTable({ doctors, contenders, skipped }: SizeResult): string {
  const head = `| ${whole(doctors)} doctors | searches a second | ÷ the ceiling | PulseCal ÷ it | by SQL ÷ it | p50 / p99 ms | MB | ready in s |\n|---|---|---|---|---|---|---|---|`
  const find = (name: string) => contenders.find((c) => c.name === name)?.loads ?? []
  const against = { ceiling: find("static"), ours: find("ours"), bySql: find("ours-sql") }
  const rows = contenders.map((contender) => row(contender, against))
  const left = skipped.map(({ name, reason }) => `| ${CONTENDERS[name].label} | left out: ${reason} | | | | | | |`)
  return [head, ...rows, ...left].join("\n")
}

type Against = Record<"ceiling" | "ours" | "bySql", readonly Load[]>

function row({ name, loads, residentMb, loadSeconds, servedBy }: ContenderResult, { ceiling, ours, bySql }: Against) {
  const ratio = (one: readonly Load[], other: readonly Load[]) => {
    const values = ratios(one, other)
    return one === other ? "1" : values.length > 0 ? shown(spreadOf(values), three) : "–"
  }
  const millis = (of: "p50Ms" | "p99Ms") => three(spreadOf(loads.map((load) => load[of])).median)
  const rate = spreadOf(loads.map(({ perSecond }) => perSecond))
  const cells = [
    servedBy === undefined ? CONTENDERS[name].label : `${CONTENDERS[name].label}; served by ${servedBy}`,
    shown(rate, (value) => (value >= 10 ? whole(value) : value.toFixed(1))),
    ratio(loads, ceiling),
    ratio(ours, loads),
    ratio(bySql, loads),
    `${millis("p50Ms")} / ${millis("p99Ms")}`,
    whole(residentMb),
    orDash(loadSeconds, three),
  ]
  return `| ${cells.join(" | ")} |`
}

/** Each row is compared with the first, and with the one before it. */
function costTable(what: string, costResult: CostResult): string {
  const rows = costResult.map(({ of, loads }, nth) => {
    const against = (other: CostResult[number] | undefined) => (other ? shown(spreadOf(ratios(other.loads, loads)), three) : "–")
    return `| ${whole(of)} | ${shown(spreadOf(costs(loads)), three)} | ${against(costResult[0])} | ${against(costResult[nth - 1])} |`
  })
  return [`| PulseCal, ${what} | µs a search, HTTP included | × the first | × the one before |\n|---|---|---|---|`, ...rows].join("\n")
}

/** Refusals beside answers of the same process in the same rounds. */
function badInputTable({ bySize, refused }: Results): string {
  const rate = (loads: readonly Load[]) => shown(spreadOf(loads.map(({ perSecond }) => perSecond)), whole)
  const rows = bySize.map(({ of, loads }, nth) => {
    const bad = refused[nth]?.loads ?? []
    return `| ${whole(of)} | ${rate(loads)} | ${rate(bad)} | ${shown(spreadOf(ratios(bad, loads)), three)} |`
  })
  const head = `| Bad input: PulseCal, doctors | answered a second | refused a second | refused ÷ answered |\n|---|---|---|---|`
  return [head, ...rows].join("\n")
}
