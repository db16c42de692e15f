/**
 * Work of one process, committed in groups: what is asked for while a group is on its way makes the next one. A lone one waits for
 * nobody; under load many share one statement and one commit.
 */
import { Refusal } from "./errors.ts"

export type GroupLimits = {
  /** Groups on their way at once. */
  groupsMax: number
  sizeMax: number
  /** Who comes when so many wait is refused with `tooMany`. */
  waitingMax: number
  tooMany: string
}

/** One that waits: what was asked, and how it is told. */
export type Waiting<Asked, Outcome> = { asked: Asked; resolve: (outcome: Outcome) => void; reject: (error: unknown) => void }

export class Groups<Asked, Outcome> {
  readonly #waiting: Waiting<Asked, Outcome>[] = []
  #groups = 0

  /** `commit` tells each of its group, and never throws. */
  constructor(
    private readonly limits: GroupLimits,
    private readonly commit: (group: Waiting<Asked, Outcome>[]) => Promise<void>,
  ) {}

  /** With the next group. Resolves when it is committed. */
  add(asked: Asked): Promise<Outcome> {
    if (this.#waiting.length >= this.limits.waitingMax) throw new Refusal("unavailable", this.limits.tooMany, { retryAfterSeconds: 1 })
    return new Promise((resolve, reject) => {
      this.#waiting.push({ asked, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#groups >= this.limits.groupsMax || this.#waiting.length === 0) return
    this.#groups++
    this.commit(this.#waiting.splice(0, this.limits.sizeMax)).finally(() => {
      this.#groups--
      this.#next()
    })
  }
}
