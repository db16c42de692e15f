/** One search at a time: what is asked for, and how far it has come. A search that pauses needs one of its own. */
import type { Dictionary } from "./dictionary.ts"
import type { NearQuery } from "./doctor-index.ts"
import { Filters } from "./filters.ts"
import type { Forest } from "./forest.ts"
import { Nearest } from "./nearest.ts"
import type { Records } from "./records.ts"

const NOBODY = -1

export type Searched = { records: Records; forest: Forest; specializations: Dictionary; cities: Dictionary }

export class Searcher {
  readonly nearest: Nearest
  readonly #filters: Filters
  readonly #searched: Searched

  constructor(searched: Searched) {
    this.#searched = searched
    this.#filters = new Filters(searched.records)
    this.nearest = new Nearest(searched.forest.nodes, searched.records)
  }

  /** Of the query's doctors the first `wanted`, and if asked to count, how many there are. */
  begin(query: NearQuery, wanted: number, counting: boolean): void {
    const root = this.#rootFor(query.specialization)
    const city = query.city === undefined ? NOBODY : this.#searched.cities.find(query.city)
    const nobody = root < 0 || city === undefined
    const filters = !nobody && this.#filters.prepare(query, city) ? this.#filters : undefined
    if (nobody) this.nearest.beginWithNobody()
    else this.nearest.begin(root, query, wanted, filters, counting)
  }

  #rootFor(specialization: string | undefined): number {
    const { forest, specializations } = this.#searched
    if (specialization === undefined) return forest.everyone
    const number = specializations.find(specialization)
    return number === undefined ? NOBODY : forest.rootOf(number)
  }
}
