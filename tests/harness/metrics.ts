/** Reads what a process serves to Prometheus. */

export type Series = Map<string, number>

/** `name{label="value",…} number`, and lines of help and type. */
const LINE = /^(?:# (?:HELP|TYPE) [a-z][a-z0-9_]* .+|([a-z][a-z0-9_]*(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})?) (\S+))$/

/** Each series under its name and labels. Fails on a line that Prometheus would not take. */
export async function scrape(port: number | undefined): Promise<Series> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  const type = response.headers.get("content-type")
  if (response.status !== 200 || !type?.startsWith("text/plain; version=0.0.4")) throw new Error(`no metrics: ${response.status} ${type}`)
  return parseSeries(await response.text())
}

export function parseSeries(text: string): Series {
  const series: Series = new Map()
  for (const line of text.split("\n").filter(Boolean)) {
    const match = LINE.exec(line)
    if (!match) throw new Error(`not a line of Prometheus: ${line}`)
    if (match[1] === undefined) continue
    if (series.has(match[1])) throw new Error(`twice: ${match[1]}`)
    const value = Number(match[2] === "+Inf" ? Number.POSITIVE_INFINITY : match[2])
    if (Number.isNaN(value)) throw new Error(`no number: ${line}`)
    series.set(match[1], value)
  }
  return series
}

/** The one series of this name whose labels have all of these, or undefined. */
export function valueIn(series: Series, name: string, labels: Record<string, string> = {}): number | undefined {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const found = [...series].filter(([key]) => (key === name || key.startsWith(`${name}{`)) && parts.every((part) => key.includes(part)))
  if (found.length > 1) throw new Error(`${name} ${parts}: ${found.length} series`)
  return found[0]?.[1]
}

/** Of the processor, that a process has taken since it began. */
export async function processorSeconds(metricsPort: number): Promise<number> {
  const metrics = await scrape(metricsPort)
  const spent = ["user", "system"].map((mode) => valueIn(metrics, "process_cpu_time_seconds_total", { cpu_mode: mode }) ?? Number.NaN)
  return spent.reduce((sum, seconds) => sum + seconds)
}
