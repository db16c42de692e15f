/** What deciding on a search needs of every doctor, in the order of latitude. */
import type { Pool } from "../../../core/db.ts"

export type Columns = {
  ids: string[]
  latitudes: Float64Array
  longitudes: Float64Array
  fees: Float64Array
  specializations: string[]
}

const BATCH = 20_000

type Row = { id: string; latitude: number; longitude: number; fee: number; specialization: string }

export async function loadColumns(pool: Pool): Promise<Columns> {
  const rows: Row[] = []
  const statement = pool<Row[]>`
    select id, clinic_latitude as latitude, clinic_longitude as longitude, consultation_fee as fee, specialization
    from doctors where active order by clinic_latitude, id`
  for await (const batch of statement.cursor(BATCH)) rows.push(...batch)
  return columnsOf(rows)
}

/** Rows must come in the order of latitude. */
export function columnsOf(rows: readonly Row[]): Columns {
  return {
    ids: rows.map((r) => r.id),
    latitudes: Float64Array.from(rows, (r) => r.latitude),
    longitudes: Float64Array.from(rows, (r) => r.longitude),
    fees: Float64Array.from(rows, (r) => r.fee),
    specializations: rows.map((r) => r.specialization),
  }
}
