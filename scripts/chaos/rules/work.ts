/** What the workers had to do. */
import type { Evidence, Violation } from "../evidence.ts"

export function checkWork({ work, figures, crashes }: Evidence): Violation[] {
  const promise = "every job is done and none is lost"
  const left = Object.entries({
    "events without an offset": work.unpublished,
    "events the worker has not read": work.head - work.cursor,
    "rows of work": work.due,
    "rows of work given up": work.givenUp,
    "jobs that wait, run or have failed": work.jobs,
  }).filter(([, count]) => count !== 0)
  return [
    ...crashes.map(({ process, how }) => ({
      promise: "no process ends unless it is killed",
      what: `${process} ended: ${how}`,
      about: [process],
    })),
    ...left.map(([what, count]) => ({ promise, what: `${count} ${what}`, about: [] })),
    ...figures
      .filter(({ kept, counted }) => kept !== counted)
      .map(({ doctorId, day, kept, counted }) => ({
        promise: "rollups are what a count of the rows gives",
        what: `doctor ${doctorId} on ${day}: rollup ${kept}, counted ${counted}`,
        about: [doctorId],
      })),
  ]
}
