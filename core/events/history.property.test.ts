import { test } from "bun:test"
import fc from "fast-check"
import { TestLog, type TestPublisher } from "../../tests/harness/event-log.ts"
import { until } from "../../tests/harness/services.ts"

const STEPS = [
  "announce",
  "announce five",
  "roll back",
  "begin",
  "commit the oldest",
  "A publishes",
  "B publishes",
  "both publish",
  "wipe Redis",
  "trim",
  "kill Redis",
  "start Redis",
  "cut the publishers",
  "wait",
] as const

type Step = (typeof STEPS)[number]
type OpenTransaction = Awaited<ReturnType<TestLog["late"]>>

/** Plays one history; steps of publishers are not waited for, so that they meet what comes next half done. */
class History {
  readonly #open: OpenTransaction[] = []
  #redisRuns = true

  constructor(
    private readonly log: TestLog,
    private readonly a: TestPublisher,
    private readonly b: TestPublisher,
  ) {}

  async play(step: Step): Promise<void> {
    const { log, a, b } = this
    switch (step) {
      case "announce":
        return log.announce()
      case "announce five":
        return log.announce(5)
      case "roll back":
        return (await log.late()).rollback()
      case "begin":
        if (this.#open.length < 5) this.#open.push(await log.late())
        return
      case "commit the oldest":
        return this.#open.shift()?.commit()
      case "A publishes":
        return a.publisher.nudge()
      case "B publishes":
        return b.publisher.nudge()
      case "both publish":
        a.publisher.nudge()
        return b.publisher.nudge()
      case "wipe Redis":
        return void (await a.redis.flushall().catch(() => {}))
      case "trim":
        return void (await a.redis.xtrim(await log.key(), "MAXLEN", 3).catch(() => {}))
      case "kill Redis":
        this.#redisRuns = false
        return log.server.kill()
      case "start Redis":
        return this.#startRedis()
      case "cut the publishers":
        return void (await log.cutPublishers())
      case "wait":
        return Bun.sleep(10)
    }
  }

  /** Commits what is open, lets everything run again, and publishes the rest. */
  async finish(): Promise<void> {
    for (const transaction of this.#open) await transaction.commit()
    await this.#startRedis()
    await until("all is published", async () => {
      await Promise.all([this.a.publisher.sweep(), this.b.publisher.sweep()])
      return (await this.log.table()).every((row) => row.offset !== null)
    })
  }

  async #startRedis(): Promise<void> {
    if (!this.#redisRuns) await this.log.server.start()
    this.#redisRuns = true
  }
}

/** Killing and starting Redis takes longest, so it comes less often than the rest. */
const step = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...STEPS.filter((s) => !s.endsWith(" Redis"))) },
  { weight: 1, arbitrary: fc.constantFrom<Step>("wipe Redis", "kill Redis", "start Redis") },
)

test("whatever happens in whatever order, a follower has heard exactly the table's events, in their order, each once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120, size: "max" }), async (steps) => {
      await using log = await TestLog.open({ streamMaxEvents: 100 })
      const history = new History(log, await log.publisher(), await log.publisher())
      const follower = await log.follower()
      for (const each of steps) await history.play(each)
      await history.finish()
      await log.expectAllHeard(follower)
      await log.expectAllHeard(await log.follower())
    }),
    // A failure prints its seed and path; shrinking would play hundreds of histories first.
    { numRuns: 8, endOnFailure: true },
  )
}, 30_000)
