/** Where log lines go: stdout, many with one write. */
import { pino } from "pino"

/** A line waits no longer than this. */
const DELAY_MAX_MS = 100
/** About 250 lines of a request each: what a pipe holds. */
const BATCH_CHARS = 65_536
/** How pino begins the lines that may wait. All others are written at once, with everything before them. */
const MAY_WAIT = '{"level":"info"'

/**
 * A write to the system costs more than the line, so ordinary lines are gathered for a moment. What is gathered is bounded, and
 * nothing is ever dropped: a reader that does not keep up holds the process back, as it would without this. Only a process that
 * is killed without notice takes its last lines with it.
 */
class Output {
  readonly #stdout = pino.destination({ dest: 1, sync: true })
  #lines = ""
  #waiting = false

  constructor() {
    process.on("exit", () => this.#flush())
  }

  write(line: string): void {
    this.#lines += line
    if (this.#lines.length >= BATCH_CHARS || !line.startsWith(MAY_WAIT)) this.#flush()
    else if (!this.#waiting) this.#flushSoon()
  }

  #flushSoon(): void {
    this.#waiting = true
    setTimeout(() => {
      this.#waiting = false
      this.#flush()
    }, DELAY_MAX_MS).unref()
  }

  #flush(): void {
    if (this.#lines === "") return
    const lines = this.#lines
    this.#lines = ""
    this.#stdout.write(lines)
  }
}

let output: Output | undefined

/** One for the whole process, or lines would come out of order. */
export function stdout(): { write(line: string): void } {
  output ??= new Output()
  return output
}
