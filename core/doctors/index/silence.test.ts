/** A Postgres that is gone without a word: connections stay open, and nothing is answered. */
import { expect, test } from "bun:test"
import { Writable } from "node:stream"
import { pino } from "pino"
import { until } from "../../../tests/harness/services.ts"
import { openSilencer } from "../../../tests/harness/silencer.ts"
import { changeMany, SearchStage } from "./test-stage.ts"

const TIMEOUT_MS = 30_000
/** Long for a database that is well, on a busy machine too. */
const answerBounds = { queryMs: 1_000, transactionQueryMs: 1_500 }

function openNotes() {
  const lines: { level: number; msg: string; err?: { message: string } }[] = []
  const log = pino(new Writable({ write: (line, _, done) => done(void lines.push(JSON.parse(line))) }))
  const warnings = () => lines.filter(({ level }) => level >= 40).map(({ msg, err }) => `${msg}: ${err?.message}`)
  return { log, warnings }
}

test(
  "an index whose connection falls silent says so once, connects anew and catches up, without being loaded again",
  async () => {
    await using stage = await SearchStage.open({ doctors: 100 })
    await using silencer = await openSilencer(stage.log.database.url)
    const { log, warnings } = openNotes()
    const service = await stage.ready({ url: silencer.url, log, answerBounds })
    await changeMany(stage, 10, 5)
    await stage.expectSame(service)
    expect(warnings()).toEqual([])
    const loaded = service.loadSeconds
    silencer.silence()
    await changeMany(stage, 50, 20)
    await stage.expectSame(service)
    expect(warnings()).toEqual([expect.stringContaining("Postgres has not answered within 1000 ms; its connection is made anew")])
    expect(service.loadSeconds).toBe(loaded)
    await changeMany(stage, 50, 30)
    await stage.expectSame(service)
  },
  TIMEOUT_MS,
)

test(
  "an index whose connection falls silent while it loads is loaded over another one",
  async () => {
    await using stage = await SearchStage.open({ doctors: 100 })
    await using silencer = await openSilencer(stage.log.database.url)
    const { log, warnings } = openNotes()
    const holder = await stage.log.pool.reserve()
    await holder`begin`
    await holder`lock table event_log`
    const service = stage.start({ url: silencer.url, log, answerBounds })
    await until("it waits for the log", async () => {
      // Whoever holds the lock sees the sessions as they were when it first looked.
      const waiting = await stage.pool`
        select 1 from pg_stat_activity
        where datname = current_database() and application_name = 'pulsecal-search' and wait_event_type = 'Lock'`
      return waiting.length > 0
    })
    silencer.silence()
    await holder`rollback`
    holder.release()
    await stage.expectSame(service)
    expect(warnings()).toHaveLength(1)
  },
  TIMEOUT_MS,
)
