/** Watches how indexes give their memory back. */
import { spyOn } from "bun:test"
import { DoctorIndex } from "./doctor-index.ts"

/** What an index held before, between and after the steps in which it gave it back. */
export type Release = { bytes: number[]; isOver: boolean }

export function watchReleases(): Disposable & { releases: Release[] } {
  const releases: Release[] = []
  const { release } = DoctorIndex.prototype
  const spy = spyOn(DoctorIndex.prototype, "release").mockImplementation(function* (this: DoctorIndex) {
    const watched: Release = { bytes: [this.bytes], isOver: false }
    releases.push(watched)
    for (const _ of release.call(this)) {
      watched.bytes.push(this.bytes)
      yield
    }
    watched.isOver = true
  })
  return { releases, [Symbol.dispose]: () => spy.mockRestore() }
}
