/** Every searchable doctor in memory, in an H3 tree. */
import type { DoctorListing, SearchQuery } from "../search/schema.ts"

/** An active doctor's row, as searched and listed. `version` grows with each change of the row. */
export type IndexedDoctor = Omit<DoctorListing, "distanceKm"> & { version: number }

/** A search around a position. */
export type NearQuery = SearchQuery & { latitude: number; longitude: number }

export type DoctorIndexOptions = {
  /** About how many doctors will be held. A hint for the first sizes only. */
  expected?: number
}

export class DoctorIndex {
  constructor(_options: DoctorIndexOptions = {}) {}

  /** While loading, before `finish`. Rows in the order of their H3 cell make the bytes lie by place; any order is right. */
  add(_doctor: IndexedDoctor): void {
    throw new Error("not built yet")
  }

  /** Builds the trees in slices of at most about 2 ms, so that the loader can yield to the event loop between them. */
  *finish(): Generator<void, void> {
    yield
  }

  /** Takes the doctor in, or replaces what is held of them. False, without effect, if it is not newer than what is known. */
  upsert(_doctor: IndexedDoctor): boolean {
    throw new Error("not built yet")
  }

  /** Takes the doctor out: inactive or gone since `version`. False, without effect, if that is not newer than what is held, or none is held. */
  remove(_id: string, _version: number): boolean {
    throw new Error("not built yet")
  }

  /** The answer's JSON in UTF-8: what `JSON.stringify` makes of the SearchAnswer that the SQL path gives. */
  search(_query: NearQuery): Uint8Array<ArrayBuffer> {
    throw new Error("not built yet")
  }

  /** A bounded slice of quiet upkeep: tightens the tree, moves bytes together. Call it when idle. True while there is more to do. */
  maintain(_budgetMs: number): boolean {
    throw new Error("not built yet")
  }

  /** Doctors held. */
  get size(): number {
    return 0
  }

  /** Bytes of memory held, all arrays included. */
  get bytes(): number {
    return 0
  }

  /** Over all doctors held, in any order: the sum of each one's {@link doctorChecksum}, modulo 2^64. */
  checksum(): bigint {
    return 0n
  }
}

/** One doctor's share of a checksum: depends on every listed field and the version. */
export function doctorChecksum(_doctor: IndexedDoctor): bigint {
  throw new Error("not built yet")
}
