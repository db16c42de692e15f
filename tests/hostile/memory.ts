/** What memory a process holds, told over the channel to whoever started it. */
import { heapStats } from "bun:jsc"

export type Memory = { heapBytes: number; residentBytes: number }

/** Answers every message, once all garbage is collected. */
export function tellMemory(): void {
  process.on("message", () => {
    Bun.gc(true)
    process.send?.({ heapBytes: heapStats().heapSize, residentBytes: process.memoryUsage.rss() } satisfies Memory)
  })
}
