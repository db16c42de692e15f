/** The rows of the matrix as they are tried, and who may be told what in their answers. */
import type { RoleName } from "../harness/cast.ts"
import { MATRIX } from "./rows.ts"

export type Cell = { role: RoleName; status: number; mayKnow: boolean }
export type Row = { name: string; method: string; path: string; cells: Cell[] }

const [head = "", ...lines] = MATRIX.trim().split("\n")
export const ROWS: Row[] = lines.filter((line) => line.trim() !== "").map(rowOf)

function rowOf(line: string): Row {
  const [, name = "", cells = ""] = /^(\S+ \S+(?: \(.*?\))?)\s+(\d{3}.*)$/.exec(line) ?? []
  const [method = "", path = ""] = name.split(" ")
  const columns = head.trim().split(/\s+/).slice(1) as RoleName[]
  return {
    name,
    method,
    path,
    cells: cells.split(/\s+/).map((cell, i) => ({
      role: columns[i] as RoleName,
      status: Number.parseInt(cell, 10),
      mayKnow: cell.endsWith("~"),
    })),
  }
}

export const ROLE_OF: Record<RoleName, string | null> = {
  newcomer: null,
  patient: "PATIENT",
  stranger: "PATIENT",
  doctor: "DOCTOR",
  colleague: "DOCTOR",
  elsewhere: "DOCTOR",
  desk: "RECEPTIONIST",
  desk2: "RECEPTIONIST",
  pending: "RECEPTIONIST",
  rejected: "RECEPTIONIST",
  revoked: "RECEPTIONIST",
}

/** Those whose visits and payments they are. */
const PARTIES: ReadonlySet<RoleName> = new Set(["patient", "doctor", "desk"])
/** The whole clinic's: what the clinic's other doctors are shown of a colleague's patients, and nowhere else. */
const OF_THE_CLINIC = new Set(["GET /api/v1/receptionists/queue", "GET /api/v1/receptionists/queue (of the clinic)"])
/** Where a doctor is shown the own profile, of which the clinic's code is a part. */
const OWN_PROFILE = new Set(["GET /api/v1/me", "PATCH /api/v1/doctors/me"])

export function maySeePatient(role: RoleName, { name }: Row): boolean {
  return PARTIES.has(role) || (role === "colleague" && OF_THE_CLINIC.has(name))
}

export function maySeeCode(role: RoleName, { name }: Row): boolean {
  return (role === "doctor" || role === "colleague") && OWN_PROFILE.has(name)
}
