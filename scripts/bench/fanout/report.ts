/** The tables of the fan-out benchmark. */
import { spread } from "../environment.ts"
import type { Measured } from "./side.ts"

type Both = Record<"ours" | "bare", Measured>
export type Result = { clients: number; rounds: { burst: Both; stream: Both }[]; kilobytes: Record<"ours" | "bare", number> }

const whole = (value: number) => Math.round(value).toLocaleString("en")
const two = (value: number) => value.toFixed(2)
const one = (value: number) => value.toFixed(1)

export function print(results: Result[]): void {
  console.log(
    "| clients of one process | deliveries a second, burst | CPU µs each | p50 / p99 ms, single events | CPU µs each | kB a client |",
  )
  console.log("|---|---|---|---|---|---|")
  for (const { clients, rounds, kilobytes } of results) {
    const bursts = (of: (both: Both) => number, format: (v: number) => string) =>
      spread(
        rounds.map((r) => of(r.burst)),
        format,
      )
    const streams = (of: (both: Both) => number, format: (v: number) => string) =>
      spread(
        rounds.map((r) => of(r.stream)),
        format,
      )
    for (const [name, side] of [
      ["bare Socket.IO, from memory", "bare"],
      ["PulseCal, from the committed row", "ours"],
    ] as const)
      console.log(
        `| ${whole(clients)}: ${name} | ${bursts((b) => b[side].perSecond, whole)} | ${bursts((b) => b[side].cpuMicros, two)} | ${streams((b) => b[side].p50, one)} / ${streams((b) => b[side].p99, one)} | ${streams((b) => b[side].cpuMicros, two)} | ${one(kilobytes[side])} |`,
      )
    const ratio = (of: (m: Measured) => number) => (both: Both) => of(both.ours) / of(both.bare)
    console.log(
      `| ${whole(clients)}: PulseCal ÷ bare | ${bursts(
        ratio((m) => m.perSecond),
        two,
      )} | ${bursts(
        ratio((m) => m.cpuMicros),
        two,
      )} | ${streams(
        ratio((m) => m.p50),
        two,
      )} / ${streams(
        ratio((m) => m.p99),
        two,
      )} | ${streams(
        ratio((m) => m.cpuMicros),
        two,
      )} | ${two(kilobytes.ours / kilobytes.bare)} |`,
    )
  }
  const faults = results
    .flatMap((r) => r.rounds)
    .reduce((sum, { burst, stream }) => sum + [burst, stream].reduce((n, b) => n + b.ours.faults + b.bare.faults, 0), 0)
  console.log(`\nDeliveries lost, doubled, changed or out of order: ${faults}.`)
}
