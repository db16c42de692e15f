import type { SearchAnswer } from "../../../../core/doctors/search/schema.ts"
import type { Question } from "./question.ts"

/** Something that finds the nearest twenty doctors. A text is an answer's JSON, ready to be sent. */
export type Peer = {
  /** How long its index took to make; undefined if it has none. */
  loadSeconds: number | undefined
  answer(question: Question): Promise<SearchAnswer | string> | SearchAnswer | string
}
