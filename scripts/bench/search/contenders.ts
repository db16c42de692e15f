/** Who is measured: our endpoint, with and without its index, its peers, and the ceilings. */

/** `counts`: its `total` is counted, and has to be right; the others are spared the counting. */
export const CONTENDERS = {
  static: { label: "a static answer of 20 doctors: the ceiling", postgis: false, counts: false },
  "static-bare": { label: "the same from `Bun.serve` without a router", postgis: false, counts: false },
  ours: { label: "PulseCal", postgis: false, counts: true },
  "ours-sql": { label: "PulseCal by SQL alone (`SEARCH_INDEX_MAX_MB=0`)", postgis: false, counts: true },
  kdbush: { label: "kdbush and geokdbush, an index a specialization", postgis: false, counts: false },
  redis: { label: "Redis GEOSEARCH, a set a specialization", postgis: false, counts: false },
  "postgis-both": { label: "PostGIS `gist(specialization, geog)` and `gist(geog)`", postgis: true, counts: false },
  "postgis-both-total": { label: "PostGIS `gist(specialization, geog)` and `gist(geog)`, counting `total`", postgis: true, counts: true },
  postgis: { label: "PostGIS `gist(geog)`", postgis: true, counts: false },
  "postgis-total": { label: "PostGIS `gist(geog)`, counting `total`", postgis: true, counts: true },
  "postgis-both-as-came-total": {
    label: "PostGIS `gist(specialization, geog)` and `gist(geog)`, rows as they came, counting `total`",
    postgis: true,
    counts: true,
  },
  "postgis-as-came-total": { label: "PostGIS `gist(geog)`, rows as they came, counting `total`", postgis: true, counts: true },
  haversine: { label: "Haversine over the whole table", postgis: false, counts: false },
} as const

export type ContenderName = keyof typeof CONTENDERS

/** These search nothing: there is no right answer to check, and nothing that would have to load. */
export type StaticName = "static" | "static-bare"
export const isStatic = (name: ContenderName): name is StaticName => name === "static" || name === "static-bare"

export function isContender(text: string): text is ContenderName {
  return Object.hasOwn(CONTENDERS, text)
}
