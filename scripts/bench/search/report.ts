/** The figures as Markdown. */
import { CONTENDERS, isStatic } from "./contenders.ts"
import type { Load } from "./generator.ts"
import { NODE_SIZE } from "./index-peers.ts"
import { type ContenderResult, type CostResult, costs, type Results, ratios, type SizeResult, type Spread, spreadOf } from "./results.ts"

const whole = (value: number) => Math.round(value).toLocaleString("en")
/** Three digits that count, of however large a number. */
const three = (value: number) => (value >= 100 ? whole(value) : Number(value.toPrecision(3)).toString())
const shown = ({ median, min, max }: Spread, format: (value: number) => string) => `${format(median)} (${format(min)}–${format(max)})`
const orDash = (value: number | undefined, format: (value: number) => string) => (value === undefined ? "–" : format(value))

const INDEX_ALONE = `The index alone (\`bun run bench:search:index\`), without a server, each size in a process of its own, in turns with kdbush and
geokdbush, which find the same. Like for like is the row of the 20 nearest, for kdbush counts no \`total\` and makes no JSON; those rows say what they add.
kdbush has nodes of ${NODE_SIZE}, its quickest here, and its fees in arrays; each row stands against it alone, and both go first in turn.
By kind of search, the event loop is held for as long as is said: 200 searches of each, around doctors of chance, each the least of three times.`
const ANSWER_COSTS = `What parts of an answer take of the processor, in turns in one process without HTTP; the token, the limit and the query are dealt
with, metrics are off, and the log's lines go nowhere. The bad input is that of the table above.`

export function report(results: Results): string {
  const { machine, generator, rounds, seconds } = results
  const intro = `${machine}. Loaded with ${generator}; ${rounds} rounds of ${seconds} s each in turns: median (lowest–highest), ratios round by round.
PulseCal has its token, validation, limits and metrics on, and writes no line a request (\`LOG_LEVEL=error\`): what a line takes is told below. The
peers are spared all of that. Only the rows "counting \`total\`" answer the same as PulseCal; the other peers find the same doctors and are spared
the counting. The ceiling is a static answer by Hono on Bun, on which all peers run; PulseCal answers most searches before its Hono, so a
static answer without a router is in a row of its own. PostGIS has its tables in the order of place (\`order by geog\`), as PulseCal has its
own, but for those whose rows stand as they came; ready in s is, for PostGIS, making the indexes alone, for kdbush and Redis also reading the doctors, and for PulseCal the whole start. MB:
the process that serves, with its Redis and without its Postgres.`
  const parts = [intro, ...results.sizes.flatMap((size) => [sizeTable(size), checkedLine(size)])]
  if (results.bySize.length > 0) parts.push(costTable("doctors", results.bySize), badInputTable(results))
  for (const { doctors, radii } of results.byRadius)
    if (radii.length > 0) parts.push(costTable(`radius in km, ${whole(doctors)} doctors`, radii))
  if (results.indexAlone) parts.push(INDEX_ALONE, results.indexAlone)
  if (results.answerCosts) parts.push(ANSWER_COSTS, results.answerCosts)
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

/** Whose answers were right before anybody was timed, and how many of them. */
function checkedLine({ asked, contenders }: SizeResult): string {
  const checked = contenders.filter(({ name }) => !isStatic(name))
  const labels = (list: readonly ContenderResult[], label: (contender: ContenderResult) => string) => list.map(label).join(", ")
  const labelOf = ({ name }: ContenderResult) => CONTENDERS[name].label
  const all = checked.filter((contender) => contender.checked === asked.mix)
  const some = checked.filter((contender) => contender.checked < asked.mix)
  const parts = [
    all.length > 0 ? `all ${whole(asked.mix)} searches of the mix by ${labels(all, labelOf)}` : "",
    some.length > 0 ? `as many as fit into 12 s by ${labels(some, (one) => `${labelOf(one)} (${whole(one.checked)})`)}` : "",
    asked.byRadius > 0 ? `all ${whole(asked.byRadius)} searches by radius by PulseCal` : "",
  ]
  return `Answered rightly before anybody was timed: ${parts.filter(Boolean).join("; ")}.`
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
