/** Who is measured: our endpoint, with and without its index, its peers, and the ceiling. */

export const CONTENDERS = {
  static: { label: "a static answer of 20 doctors: the ceiling", postgis: false },
  ours: { label: "PulseCal", postgis: false },
  "ours-sql": { label: "PulseCal by SQL alone (`SEARCH_INDEX_MAX_MB=0`)", postgis: false },
  kdbush: { label: "kdbush and geokdbush, an index a specialization", postgis: false },
  redis: { label: "Redis GEOSEARCH, a set a specialization", postgis: false },
  "postgis-both": { label: "PostGIS `gist(specialization, geog)` and `gist(geog)`", postgis: true },
  "postgis-both-total": { label: "PostGIS `gist(specialization, geog)` and `gist(geog)`, counting `total`", postgis: true },
  postgis: { label: "PostGIS `gist(geog)`", postgis: true },
  "postgis-total": { label: "PostGIS `gist(geog)`, counting `total`", postgis: true },
  haversine: { label: "Haversine over the whole table", postgis: false },
} as const

export type ContenderName = keyof typeof CONTENDERS

export function isContender(text: string): text is ContenderName {
  return Object.hasOwn(CONTENDERS, text)
}
