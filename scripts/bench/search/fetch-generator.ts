/** What loads a server where wrk is not to be had: Bun's own client, as a process of its own. Prints what wrk.lua prints. */
import { createHistogram } from "node:perf_hooks"

const [url = "", pathsFile = "", tokensFile = "", seconds, connections] = process.argv.slice(2)
const linesOf = async (file: string) => (await Bun.file(file).text()).split("\n").filter(Boolean)
const [paths, tokens] = [await linesOf(pathsFile), await linesOf(tokensFile)]
const latencies = createHistogram()
let [sent, failed, status] = [0, 0, 0]
const started = performance.now()
const until = started + Number(seconds) * 1000

async function ask(): Promise<void> {
  while (performance.now() < until) {
    const nth = sent++
    const begun = performance.now()
    try {
      const authorization = `Bearer ${tokens[nth % tokens.length]}`
      const answer = await fetch(url + paths[nth % paths.length], { headers: { authorization } })
      await answer.arrayBuffer()
      if (answer.status >= 400) status++
      latencies.record(Math.max(1, Math.round((performance.now() - begun) * 1000)))
    } catch {
      failed++
    }
  }
}

await Promise.all(Array.from({ length: Number(connections) }, ask))
const microseconds = Math.round((performance.now() - started) * 1000)
const [p50Us, p99Us] = [latencies.percentile(50), latencies.percentile(99)]
console.log(JSON.stringify({ requests: latencies.count, microseconds, p50Us, p99Us, failed, status }))
