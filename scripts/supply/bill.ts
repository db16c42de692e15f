/** The software bill of materials, CycloneDX 1.6 in JSON, of what bun.lock pins: nothing is asked of anybody, and equal locks make equal bills. */
import { createHash } from "node:crypto"
import { join } from "node:path"

const ROOT = join(import.meta.dir, "..", "..")
const SPEC_VERSION = "1.6"

type Wanted = {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  optionalPeers?: string[]
}
/** Name and version, registry, what it needs, integrity. */
type Locked = [string, string, Wanted, string]
type Lock = {
  workspaces: { "": Wanted & { name: string; devDependencies?: Record<string, string> } }
  packages: Record<string, Locked>
}

export type Bill = {
  bomFormat: "CycloneDX"
  specVersion: string
  serialNumber: string
  version: 1
  metadata: { component: { type: "application"; "bom-ref": string; name: string; version: string } }
  components: Component[]
  dependencies: { ref: string; dependsOn: string[] }[]
}
type Component = {
  type: "library"
  "bom-ref": string
  name: string
  group?: string
  version: string
  /** "excluded": not a part of what runs. */
  scope: "required" | "excluded"
  purl: string
  hashes: { alg: "SHA-512"; content: string }[]
}

export async function readBill(): Promise<Bill> {
  const text = await Bun.file(join(ROOT, "bun.lock")).text()
  const { version } = await Bun.file(join(ROOT, "package.json")).json()
  return billOf(text, version)
}

/** Throws when the lock has a package of which it does not say which, or from anywhere but a registry. */
export function billOf(lockText: string, version: string): Bill {
  const { workspaces, packages } = Bun.JSONC.parse(lockText) as Lock
  const { name, dependencies = {}, devDependencies = {} } = workspaces[""]
  const own = `${name}@${version}`
  const runs = reach(packages, Object.keys(dependencies))
  const directly = (names: string[]) => names.flatMap((wanted) => (packages[wanted] ? [wanted] : [])).sort()
  return {
    bomFormat: "CycloneDX",
    specVersion: SPEC_VERSION,
    serialNumber: `urn:uuid:${uuidOf(lockText)}`,
    version: 1,
    metadata: { component: { type: "application", "bom-ref": own, name, version } },
    components: Object.entries(packages).map(([key, locked]) => componentOf(key, locked, runs.has(key))),
    dependencies: [
      { ref: own, dependsOn: directly([...Object.keys(dependencies), ...Object.keys(devDependencies)]) },
      ...Object.keys(packages).map((key) => ({ ref: key, dependsOn: neededBy(packages, key) })),
    ],
  }
}

function componentOf(key: string, [named, , , integrity]: Locked, runs: boolean): Component {
  const [, group, name, version] = /^(?:(@[^/]+)\/)?([^@/]+)@([^@:/]+)$/.exec(named) ?? []
  const [algorithm, digest] = String(integrity).split("-")
  if (!name || !version || algorithm !== "sha512" || !digest) throw new Error(`bun.lock: ${key} is no package of a registry`)
  return {
    type: "library",
    "bom-ref": key,
    ...(group ? { group } : {}),
    name,
    version,
    scope: runs ? "required" : "excluded",
    purl: `pkg:npm/${group ? `${encodeURIComponent(group)}/` : ""}${name}@${encodeURIComponent(version)}`,
    hashes: [{ alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") }],
  }
}

/** The keys of what the package of this key needs: looked for below it first, then below each package around it, as Node does. */
function neededBy(packages: Lock["packages"], key: string): string[] {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, optionalPeers = [] } = packages[key]?.[2] ?? {}
  const peers = Object.keys(peerDependencies).filter((name) => !optionalPeers.includes(name))
  const names = new Set([...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers])
  return [...names].flatMap((name) => placesOf(key, name).find((place) => packages[place]) ?? []).sort()
}

function placesOf(key: string, name: string): string[] {
  const parts = key.match(/(?:@[^/]+\/)?[^/]+/g) ?? []
  return [...parts.map((_, n) => [...parts.slice(0, parts.length - n), name].join("/")), name]
}

function reach(packages: Lock["packages"], names: string[]): Set<string> {
  const seen = new Set<string>()
  const waiting = names.filter((name) => packages[name])
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (seen.has(key)) continue
    seen.add(key)
    waiting.push(...neededBy(packages, key))
  }
  return seen
}

/** As a name-based UUID (version 8: by our own rule) of the lock. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
